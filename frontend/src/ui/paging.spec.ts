import { describe, expect, it } from 'vitest'
import { lastPage, pageRange, pageSteps } from './paging'

describe('paging', () => {
  it('counts pages', () => {
    expect([0, 1, 24, 25].map((total) => lastPage(total, 24))).toEqual([1, 1, 1, 2])
  })

  it('names the items of a page', () => {
    expect(pageRange(1, 24, 58)).toEqual({ first: 1, last: 24 })
    expect(pageRange(3, 24, 58)).toEqual({ first: 49, last: 58 })
    expect(pageRange(1, 24, 0)).toEqual({ first: 0, last: 0 })
  })

  it('leaves out numbers far from the page', () => {
    expect(pageSteps(1, 3)).toEqual([1, 2, 3])
    expect(pageSteps(1, 20)).toEqual([1, 2, null, 20])
    expect(pageSteps(10, 20)).toEqual([1, null, 9, 10, 11, null, 20])
    expect(pageSteps(20, 20)).toEqual([1, null, 19, 20])
    expect(pageSteps(3, 20)).toEqual([1, 2, 3, 4, null, 20])
  })
})
