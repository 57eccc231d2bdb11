/** Checking a form: what the schema says before sending, what the server says after. */
import * as v from 'valibot'
import { ref, type Ref } from 'vue'
import { ApiError } from '@/api/errors'
import type { useLocale } from './locale'

type Schema = v.ObjectSchema<v.ObjectEntries, undefined>
type Name<S extends Schema> = keyof S['entries'] & string
type Faults<S extends Schema> = Partial<Record<Name<S>, string>>

export interface Form<S extends Schema> {
  /** The sentence under each field that is wrong. */
  faults: Ref<Faults<S>>
  /** The values as the schema gives them, or null when a field is wrong. */
  check: (values: v.InferInput<S>) => v.InferOutput<S> | null
  /** Puts the server's complaints under their fields; false when it named none of ours. */
  accept: (error: unknown) => boolean
}

export function useForm<S extends Schema>(schema: S, locale: ReturnType<typeof useLocale>): Form<S> {
  const faults = ref({}) as Ref<Faults<S>>

  function check(values: v.InferInput<S>): v.InferOutput<S> | null {
    const result = v.safeParse(schema, values)
    faults.value = {}
    if (result.success) return result.output
    for (const issue of result.issues) {
      const name = v.getDotPath(issue) as Name<S>
      faults.value[name] ??= sentence(issue, locale)
    }
    return null
  }

  function accept(error: unknown): boolean {
    if (!(error instanceof ApiError)) return false
    const ours = error.fields.filter((field) => field.name in schema.entries)
    for (const field of ours) faults.value[field.name as Name<S>] = field.reason
    return ours.length > 0
  }

  return { faults, check, accept }
}

function sentence(issue: v.BaseIssue<unknown>, { t, tn }: ReturnType<typeof useLocale>): string {
  if (issue.type === 'email') return t('form.email')
  if (issue.type === 'max_length') return tn('form.tooLong', Number(issue.requirement))
  return t('form.required')
}
