import { describe, expect, it } from 'vitest'
import { formatDate, formatMoment, formatNumber, formatSize } from './formats'

describe('formatSize', () => {
  it.each([
    [0, '0 bytes'],
    [1, '1 byte'],
    [999, '999 bytes'],
    [1000, '1 kB'],
    [1536, '1.5 kB'],
    [20_971_520, '21 MB'],
    [3_400_000_000, '3.4 GB'],
    [5e17, '500,000 TB'],
  ])('writes %d as %s', (bytes, written) => {
    expect(formatSize(bytes, 'en')).toBe(written)
  })

  it('follows the locale', () => {
    expect(formatSize(1536, 'de')).toBe('1,5 kB')
  })
})

describe('dates', () => {
  it('are written as the locale does', () => {
    expect(formatDate('2026-11-22T12:00:00Z', 'en')).toBe('Nov 22, 2026')
    expect(formatDate('2026-11-22T12:00:00Z', 'ko')).toBe('2026. 11. 22.')
    expect(formatMoment('2026-11-22T12:00:00Z', 'en')).toMatch(/^November 22, 2026 at \d/)
  })

  it('are left out when they cannot be read', () => {
    expect(formatDate('yesterday', 'en')).toBe('')
  })
})

describe('formatNumber', () => {
  it('groups digits', () => {
    expect(formatNumber(12_345, 'en')).toBe('12,345')
  })
})
