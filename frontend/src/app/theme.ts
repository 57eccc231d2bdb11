/** Light, dark, or as the system says. public/theme-init.js has set the class before the first paint. */
import { defineStore } from 'pinia'
import { computed, ref, watchEffect } from 'vue'

export const THEMES = ['light', 'dark', 'system'] as const
export type Theme = (typeof THEMES)[number]

export const useTheme = defineStore('theme', () => {
  const system = matchMedia('(prefers-color-scheme: dark)')
  const systemDark = ref(system.matches)
  const theme = ref<Theme>(stored())
  const dark = computed(() => theme.value === 'dark' || (theme.value === 'system' && systemDark.value))

  system.addEventListener('change', (event) => (systemDark.value = event.matches))
  // Another tab has chosen: follow it.
  addEventListener('storage', (event) => {
    if (event.key === 'theme') theme.value = stored()
  })
  watchEffect(() => document.documentElement.classList.toggle('dark', dark.value))

  function choose(wanted: Theme): void {
    theme.value = wanted
    try {
      if (wanted === 'system') localStorage.removeItem('theme')
      else localStorage.setItem('theme', wanted)
    } catch {
      // Storage is forbidden: the choice lasts as long as the page.
    }
  }

  return { theme, dark, choose }
})

function stored(): Theme {
  try {
    const value = localStorage.getItem('theme')
    return value === 'light' || value === 'dark' ? value : 'system'
  } catch {
    return 'system'
  }
}
