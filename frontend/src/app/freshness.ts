/** After a deploy an open page may ask for parts that are gone: it reloads, once. */

const MARK = 'reloaded-at'
const SECONDS_BETWEEN = 30

export function installFreshness(reload: () => void = () => location.reload()): void {
  addEventListener('vite:preloadError', (event) => {
    if (!mayReload()) return
    event.preventDefault()
    reload()
  })
}

/** True when the last reload is long enough ago that another one may help. */
export function mayReload(now = Date.now()): boolean {
  try {
    const last = Number(sessionStorage.getItem(MARK) ?? 0)
    if (now - last < SECONDS_BETWEEN * 1000) return false
    sessionStorage.setItem(MARK, String(now))
    return true
  } catch {
    // Without storage nobody counts: no reload is better than one after the other.
    return false
  }
}
