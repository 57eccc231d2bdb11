import { mount } from '@vue/test-utils'
import { createPinia, setActivePinia } from 'pinia'
import { beforeEach, describe, expect, it } from 'vitest'
import Pagination from './Pagination.vue'

describe('Pagination', () => {
  beforeEach(() => setActivePinia(createPinia()))

  it('says where we are and goes elsewhere', async () => {
    const pager = mount(Pagination, { props: { page: 2, size: 10, total: 35 } })
    expect(pager.text()).toContain('11–20 of 35')
    expect(pager.get('[aria-current=page]').text()).toBe('2')
    await pager.get('[aria-label="Next page"]').trigger('click')
    await pager.get('[aria-label="Page 4"]').trigger('click')
    expect(pager.emitted('update:page')).toEqual([[3], [4]])
  })

  it('stops at the ends', () => {
    const pager = mount(Pagination, { props: { page: 1, size: 10, total: 11 } })
    expect(pager.get('[aria-label="Previous page"]').attributes()).toHaveProperty('disabled')
    expect(pager.get('[aria-label="Next page"]').attributes()).not.toHaveProperty('disabled')
  })

  it('has no buttons when all fits on one page', () => {
    const pager = mount(Pagination, { props: { page: 1, size: 10, total: 10 } })
    expect(pager.findAll('button')).toHaveLength(0)
  })
})
