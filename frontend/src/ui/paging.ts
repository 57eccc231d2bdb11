/** Which pages there are, and which of them a pager names. */

export interface PageRange {
  first: number
  last: number
}

export function lastPage(total: number, size: number): number {
  return Math.max(1, Math.ceil(total / size))
}

/** The numbers of the first and the last item of a page, counted from 1; both 0 when there is none. */
export function pageRange(page: number, size: number, total: number): PageRange {
  if (total === 0) return { first: 0, last: 0 }
  return { first: Math.min((page - 1) * size + 1, total), last: Math.min(page * size, total) }
}

/** First, last, and the neighbours of this page; null where numbers are left out. */
export function pageSteps(page: number, pages: number): (number | null)[] {
  if (pages <= 7) return Array.from({ length: pages }, (_, index) => index + 1)
  const near = [page - 1, page, page + 1].filter((step) => step > 1 && step < pages)
  const from = near[0] ?? 2
  const to = near.at(-1) ?? pages - 1
  return [1, ...(from > 2 ? [null] : []), ...near, ...(to < pages - 1 ? [null] : []), pages]
}
