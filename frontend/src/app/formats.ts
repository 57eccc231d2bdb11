/** Numbers, sizes and moments as people of a locale write them. */

const UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const

/** 1536 -> "1.5 kB". Decimal units, as file managers show them. */
export function formatSize(bytes: number, locale: string): string {
  const power = bytes < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log10(bytes) / 3))
  const value = bytes / 1000 ** power
  return new Intl.NumberFormat(locale, {
    style: 'unit',
    unit: UNITS[power] ?? 'byte',
    unitDisplay: power === 0 ? 'long' : 'short',
    maximumFractionDigits: value < 10 && power > 0 ? 1 : 0,
  }).format(value)
}

/** "2026-11-22T08:14:00Z" -> "Nov 22, 2026"; an unreadable date gives "". */
export function formatDate(moment: string, locale: string): string {
  return format(moment, locale, { dateStyle: 'medium' })
}

/** "2026-11-22T08:14:00Z" -> "November 22, 2026 at 9:14 AM", in the reader's time zone. */
export function formatMoment(moment: string, locale: string): string {
  return format(moment, locale, { dateStyle: 'long', timeStyle: 'short' })
}

export function formatNumber(value: number, locale: string): string {
  return new Intl.NumberFormat(locale).format(value)
}

function format(moment: string, locale: string, options: Intl.DateTimeFormatOptions): string {
  const date = new Date(moment)
  return Number.isNaN(date.getTime()) ? '' : new Intl.DateTimeFormat(locale, options).format(date)
}
