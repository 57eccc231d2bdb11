/** The language of the page: messages whose keys are checked by the compiler, plurals, dates and numbers. */
import { defineStore } from 'pinia'
import { ref, shallowRef } from 'vue'
import en from '@/locales/en.json'
import * as formats from './formats'

export type Messages = typeof en
export type Locale = 'en' | 'ko'
export type Parameters = Record<string, string | number>

type Plural = { other: string }
type Paths<T, Wanted> = {
  [K in keyof T & string]: T[K] extends Wanted ? K : T[K] extends string ? never : `${K}.${Paths<T[K], Wanted>}`
}[keyof T & string]
/** "photos.title": the path of a message. */
export type Key = Paths<Messages, string>
/** "photos.count": the path of a message with its plural forms. */
export type PluralKey = Paths<Messages, Plural>

export const LOCALES: Record<Locale, string> = { en: 'English', ko: '한국어' }

const LOADERS: Record<Locale, () => Promise<Messages>> = {
  en: () => Promise.resolve(en),
  ko: async () => (await import('@/locales/ko.json')).default,
}

export const useLocale = defineStore('locale', () => {
  const locale = ref<Locale>('en')
  const messages = shallowRef<Messages>(en)

  function t(key: Key, parameters: Parameters = {}): string {
    const found = lookUp(messages.value, key)
    return typeof found === 'string' ? fill(found, parameters) : key
  }

  /** The form for that many; `{count}` in it is the number as the locale writes it. */
  function tn(key: PluralKey, count: number, parameters: Parameters = {}): string {
    const forms = lookUp(messages.value, key) as Record<string, string> & Plural
    const form = forms[new Intl.PluralRules(locale.value).select(count)] ?? forms.other
    return fill(form, { ...parameters, count: formats.formatNumber(count, locale.value) })
  }

  async function use(wanted: Locale): Promise<void> {
    messages.value = await LOADERS[wanted]()
    locale.value = wanted
    document.documentElement.lang = wanted
  }

  /** The locale chosen before, or the first of the browser's that we have; English when that one cannot be loaded. */
  const restore = () => use(chosen() ?? preferred(navigator.languages)).catch(() => use('en'))

  async function choose(wanted: Locale): Promise<void> {
    await use(wanted)
    try {
      localStorage.setItem('locale', wanted)
    } catch {
      // Storage is forbidden: the choice lasts as long as the page.
    }
  }

  const formatSize = (bytes: number) => formats.formatSize(bytes, locale.value)
  const formatDate = (moment: string) => formats.formatDate(moment, locale.value)
  const formatMoment = (moment: string) => formats.formatMoment(moment, locale.value)
  const formatNumber = (value: number) => formats.formatNumber(value, locale.value)
  return { locale, t, tn, restore, choose, formatSize, formatDate, formatMoment, formatNumber }
})

/** The first wanted language that we speak, by its primary tag ("ko-KR" is "ko"). */
export function preferred(languages: readonly string[]): Locale {
  return languages.map((language) => language.split('-', 1)[0]).find(isLocale) ?? 'en'
}

function chosen(): Locale | null {
  try {
    const stored = localStorage.getItem('locale')
    return isLocale(stored) ? stored : null
  } catch {
    return null
  }
}

const isLocale = (value: unknown): value is Locale => typeof value === 'string' && Object.hasOwn(LOCALES, value)

function lookUp(messages: Messages, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>((node, name) => (node as Record<string, unknown> | undefined)?.[name], messages)
}

function fill(message: string, parameters: Parameters): string {
  return message.replace(/\{(\w+)\}/g, (whole, name: string) => String(parameters[name] ?? whole))
}
