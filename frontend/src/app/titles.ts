/** The window's title, and the focus on the heading of each new page, as a reader of the screen expects. */
import { nextTick, watchEffect } from 'vue'
import type { Router } from 'vue-router'
import type { useConfig } from './config'
import type { useLocale } from './locale'

export function installTitles(
  router: Router,
  locale: ReturnType<typeof useLocale>,
  config: ReturnType<typeof useConfig>,
): void {
  watchEffect(() => {
    const { title } = router.currentRoute.value.meta
    document.title = title ? `${locale.t(title)} · ${config.config.name}` : config.config.name
  })
  router.afterEach(async (to, from, failure) => {
    const samePage = to.matched.at(-1) === from.matched.at(-1)
    if (failure || samePage || from.matched.length === 0) return
    await nextTick()
    focusHeading()
  })
}

export function focusHeading(): void {
  const heading = document.querySelector<HTMLElement>('h1')
  if (!heading) return
  heading.tabIndex = -1
  heading.focus({ preventScroll: true })
}
