/** Why signing in did not work, in a sentence. */
import { ApiError } from '@/api/errors'
import type { useLocale } from '@/app/locale'
import { describe } from '@/app/problems'

export function whyRefused(error: unknown, t: ReturnType<typeof useLocale>['t']): string {
  if (!(error instanceof ApiError)) return describe(error, t)
  if (error.status === 429) {
    return error.retryAfter ? t('accounts.tooMany', { seconds: error.retryAfter }) : t('accounts.tooManyLater')
  }
  // Never says which of the two was wrong.
  return error.status >= 400 && error.status < 500 ? t('accounts.refused') : describe(error, t)
}
