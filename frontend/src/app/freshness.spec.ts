import { beforeEach, describe, expect, it, vi } from 'vitest'
import { installFreshness, mayReload } from './freshness'

const missing = () => new Event('vite:preloadError', { cancelable: true })

describe('freshness', () => {
  beforeEach(() => sessionStorage.clear())

  it('allows one reload, and another one only later', () => {
    expect(mayReload(100_000)).toBe(true)
    expect(mayReload(110_000)).toBe(false)
    expect(mayReload(140_000)).toBe(true)
  })

  it('reloads at the first missing part and lets the second fail', () => {
    const reload = vi.fn()
    installFreshness(reload)
    const first = missing()
    dispatchEvent(first)
    const second = missing()
    dispatchEvent(second)
    expect(reload).toHaveBeenCalledOnce()
    expect([first.defaultPrevented, second.defaultPrevented]).toEqual([true, false])
  })
})
