/** What part of the photos is shown, kept in the address: it survives reload, sharing and the back button. */
import type { LocationQuery, LocationQueryRaw } from 'vue-router'
import type { Key } from '@/app/locale'

export const PAGE_SIZE = 24

export const SORTS = [
  { value: '-created_at', label: 'photos.sorts.newest' },
  { value: 'created_at', label: 'photos.sorts.oldest' },
  { value: 'title', label: 'photos.sorts.titleUp' },
  { value: '-title', label: 'photos.sorts.titleDown' },
  { value: '-size', label: 'photos.sorts.largest' },
  { value: 'size', label: 'photos.sorts.smallest' },
] as const satisfies readonly { value: string; label: Key }[]

export type Sort = (typeof SORTS)[number]['value']

export interface Filters {
  page: number
  sort: Sort
  q: string
}

const DEFAULT_SORT: Sort = '-created_at'

/** Reads leniently: what an address cannot mean becomes the default. */
export function readFilters(query: LocationQuery): Filters {
  const page = Number(single(query['page']))
  const sort = SORTS.find(({ value }) => value === single(query['sort']))?.value ?? DEFAULT_SORT
  return { page: Number.isSafeInteger(page) && page > 0 ? page : 1, sort, q: single(query['q']) }
}

/** The address without what is default. */
export function writeFilters({ page, sort, q }: Filters): LocationQueryRaw {
  return {
    ...(page > 1 && { page: String(page) }),
    ...(sort !== DEFAULT_SORT && { sort }),
    ...(q !== '' && { q }),
  }
}

function single(value: LocationQuery[string] | undefined): string {
  return (Array.isArray(value) ? value[0] : value) ?? ''
}
