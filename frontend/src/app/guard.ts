/** Who gets to which page, and what happens when a session ends. */
import { watch } from 'vue'
import type { RouteLocationNormalized, RouteLocationRaw, Router } from 'vue-router'
import type { Role } from '@/api/types'
import type { Key } from './locale'
import { safeNext } from './next'
import type { useSession } from './session'

declare module 'vue-router' {
  interface RouteMeta {
    /** The page's name in the window's title and the breadcrumb. */
    title?: Key
    /** Shown without a session. */
    public?: boolean
    /** Who may see it; everybody signed in when left out. */
    roles?: readonly Role[]
  }
}

type Session = ReturnType<typeof useSession>

export function installGuard(router: Router, session: Session): void {
  router.beforeEach(async (to) => {
    await session.restore()
    return verdict(to, session)
  })
  watch(
    () => session.signedIn,
    (signedIn) => {
      const here = router.currentRoute.value
      if (signedIn && here.name === 'sign-in') void router.replace(safeNext(here.query['next']))
      if (!signedIn && !here.meta.public) void router.push(signInPage(here, session.ended === 'expired'))
    },
  )
}

/** True to go on, or where to go instead. */
export function verdict(
  to: RouteLocationNormalized,
  session: Pick<Session, 'signedIn' | 'hasRole'>,
): true | RouteLocationRaw {
  if (to.name === 'sign-in' && session.signedIn) return safeNext(to.query['next'])
  if (to.meta.public) return true
  if (!session.signedIn) return signInPage(to, true)
  if (to.meta.roles && !session.hasRole(to.meta.roles)) return keepingPath('forbidden', to)
  return true
}

/** The named page under the address that was asked for. */
export function keepingPath(name: string, to: RouteLocationNormalized): RouteLocationRaw {
  return { name, params: { path: to.path.slice(1).split('/') }, query: to.query, hash: to.hash }
}

function signInPage(from: RouteLocationNormalized, comeBack: boolean): RouteLocationRaw {
  const next = comeBack && from.fullPath !== '/' ? { next: from.fullPath } : {}
  return { name: 'sign-in', query: next }
}
