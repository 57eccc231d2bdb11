/** What went wrong, in the reader's words. */
import { ApiError } from '@/api/errors'
import type { Key, useLocale } from './locale'

const WORDS: Record<number, Key> = {
  0: 'errors.offline',
  403: 'errors.forbidden',
  404: 'errors.gone',
  410: 'errors.gone',
  413: 'errors.tooLarge',
}

export function describe(error: unknown, t: ReturnType<typeof useLocale>['t']): string {
  if (!(error instanceof ApiError)) return t('errors.unknown', { reason: String(error) })
  const key = WORDS[error.status] ?? (error.status >= 500 ? 'errors.server' : null)
  if (key) return t(key)
  return t('errors.unknown', { reason: error.fields.map((field) => field.reason).join(' ') || error.message })
}
