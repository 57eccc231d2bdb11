import { createPinia, setActivePinia } from 'pinia'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { nextTick } from 'vue'
import { useTheme } from './theme'

/** The system's appearance, which the test can change. */
function system(dark: boolean) {
  const listeners: ((event: { matches: boolean }) => void)[] = []
  const media = {
    matches: dark,
    addEventListener: (_: string, listener: (typeof listeners)[0]) => listeners.push(listener),
  }
  vi.stubGlobal('matchMedia', () => media)
  return (matches: boolean) => listeners.forEach((listener) => listener({ matches }))
}

const isDark = () => document.documentElement.classList.contains('dark')

describe('useTheme', () => {
  beforeEach(() => {
    localStorage.clear()
    setActivePinia(createPinia())
  })

  it('follows the system until something is chosen', async () => {
    const become = system(true)
    const theme = useTheme()
    expect(theme.theme).toBe('system')
    expect(isDark()).toBe(true)
    become(false)
    await nextTick()
    expect(isDark()).toBe(false)
    theme.choose('dark')
    become(false)
    await nextTick()
    expect(isDark()).toBe(true)
  })

  it('keeps the choice, and forgets it when the system is to decide again', () => {
    system(false)
    useTheme().choose('dark')
    expect(localStorage.getItem('theme')).toBe('dark')
    setActivePinia(createPinia())
    const theme = useTheme()
    expect(theme.dark).toBe(true)
    theme.choose('system')
    expect(localStorage.getItem('theme')).toBeNull()
    expect(theme.dark).toBe(false)
  })

  it('takes nonsense in the storage for no choice', () => {
    system(false)
    localStorage.setItem('theme', 'purple')
    expect(useTheme().theme).toBe('system')
  })
})
