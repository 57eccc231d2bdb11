import { describe, expect, it } from 'vitest'
import { readFilters, writeFilters } from './filters'

describe('filters', () => {
  it('are read from the address, leniently', () => {
    expect(readFilters({ page: '3', sort: 'title', q: 'sea' })).toEqual({ page: 3, sort: 'title', q: 'sea' })
    for (const page of ['0', '-1', '1.5', 'x', '1e99', null]) expect(readFilters({ page }).page).toBe(1)
    expect(readFilters({ sort: 'password' }).sort).toBe('-created_at')
    expect(readFilters({ q: ['one', 'two'] }).q).toBe('one')
  })

  it('are written without what is default', () => {
    expect(writeFilters({ page: 1, sort: '-created_at', q: '' })).toEqual({})
    expect(writeFilters({ page: 2, sort: 'size', q: 'sea' })).toEqual({ page: '2', sort: 'size', q: 'sea' })
  })
})
