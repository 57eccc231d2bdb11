import { createPinia, setActivePinia } from 'pinia'
import { beforeEach, describe, expect, it } from 'vitest'
import en from '@/locales/en.json'
import ko from '@/locales/ko.json'
import { preferred, useLocale } from './locale'

/** "photos.count.one" -> its text, for all of them. */
function flat(node: object, path = ''): [string, string][] {
  return Object.entries(node).flatMap(([name, value]: [string, string | object]) =>
    typeof value === 'string' ? [[path + name, value] as [string, string]] : flat(value, `${path}${name}.`),
  )
}

const placeholders = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(([name]) => name).toSorted()

describe('the locales', () => {
  it('have the same keys', () => {
    expect(flat(ko).map(([key]) => key)).toEqual(flat(en).map(([key]) => key))
  })

  it('have the same placeholders', () => {
    const korean = Object.fromEntries(flat(ko))
    for (const [key, text] of flat(en)) expect(placeholders(korean[key] ?? ''), key).toEqual(placeholders(text))
  })

  it('have no key that nobody uses', () => {
    const sources = Object.values(
      import.meta.glob<string>(['../**/*.{vue,ts}', '!../**/*.spec.ts'], {
        query: '?raw',
        import: 'default',
        eager: true,
      }),
    ).join('\n')
    const prefixes = [...sources.matchAll(/t\(`([\w.]+\.)\$\{/g)].map(([, prefix]) => prefix ?? '')
    const used = (key: string) =>
      sources.includes(`'${key}'`) ||
      sources.includes(`'${key.replace(/\.(one|other)$/, '')}'`) ||
      prefixes.some((prefix) => key.startsWith(prefix))
    expect(flat(en).filter(([key]) => !used(key))).toEqual([])
  })
})

describe('useLocale', () => {
  beforeEach(() => {
    localStorage.clear()
    setActivePinia(createPinia())
  })

  it('fills placeholders and leaves unknown ones', () => {
    const { t } = useLocale()
    expect(t('photos.open', { title: 'Sea $&' })).toBe('Open Sea $&')
    expect(t('photos.open')).toBe('Open {title}')
  })

  it('chooses the plural form', () => {
    const { tn } = useLocale()
    expect(tn('photos.count', 1)).toBe('1 photo')
    expect(tn('photos.count', 0)).toBe('0 photos')
    expect(tn('photos.count', 1200)).toBe('1,200 photos')
  })

  it('changes the language of page and document, and remembers it', async () => {
    const locale = useLocale()
    await locale.choose('ko')
    expect(locale.t('photos.upload')).toBe('업로드')
    expect(document.documentElement.lang).toBe('ko')
    setActivePinia(createPinia())
    const later = useLocale()
    await later.restore()
    expect(later.locale).toBe('ko')
  })

  it('takes the first of the browser languages that there is', () => {
    expect(preferred(['fr-FR', 'ko-KR', 'en'])).toBe('ko')
    expect(preferred(['fr'])).toBe('en')
    expect(preferred(['constructor'])).toBe('en')
  })
})
