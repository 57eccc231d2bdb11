/** Who is signed in. The access token never leaves this file's memory but for request headers. */
import { defineStore } from 'pinia'
import { computed, ref, shallowRef } from 'vue'
import type { Tokens } from '@/api/authorized'
import { ApiError } from '@/api/errors'
import { refreshSession, signIn as askToSignIn, signOut as askToSignOut } from '@/api/generated/sdk.gen'
import { exclusively, Renewal, type Message } from '@/api/renewal'
import type { Role, Session, User } from '@/api/types'

// Required by the server next to the cookie: another site's form cannot send it.
const SAME_ORIGIN = { 'X-Requested-With': 'fetch' }
// Not a secret: only says that asking for a refresh is worth a request.
const HINT = 'signed-in'
// A refresh that hangs would hold the lock that the other tabs wait for.
const PATIENCE = 15_000 // milliseconds
const MARGIN = 10_000 // milliseconds before its end at which a token is not begun with any more
const LISTEN = 150 // milliseconds; only when a token was refused, not when the page starts

export const useSession = defineStore('session', () => {
  const user = shallowRef<User | null>(null)
  const ended = ref<'signed-out' | 'expired' | null>(null)
  // The session is over while its user is at work: the page stays, and what it asked waits for the password.
  const interrupted = ref(false)
  let pause: PromiseWithResolvers<string | null> | null = null
  let token: string | null = null
  let expiry = 0 // milliseconds since 1970
  let restoring: Promise<string | null> | null = null

  const channel = new BroadcastChannel('session')
  const tell = (message: Message) => channel.postMessage(message)
  const renewal = new Renewal({ ask, exclusively, tell })
  const tokens: Tokens = { current: () => token, renew }

  channel.addEventListener('message', ({ data }: MessageEvent<Message>) => {
    if (data.kind === 'signed-out') return end('signed-out')
    renewal.hear(data.session)
    begin(data.session)
  })

  function begin(session: Session): void {
    const same = user.value?.id === session.user.id
    token = session.access_token
    expiry = Date.now() + session.expires_in * 1000
    user.value = session.user
    ended.value = null
    remember(true)
    // What one user asked is not asked again in the name of another.
    resume(same ? token : null)
  }

  function end(why: 'signed-out' | 'expired'): void {
    token = null
    user.value = null
    ended.value = why
    remember(false)
    resume(null)
  }

  function interrupt(): Promise<string | null> {
    token = null
    interrupted.value = true
    remember(false)
    pause ??= Promise.withResolvers()
    return pause.promise
  }

  function resume(outcome: string | null): void {
    interrupted.value = false
    pause?.resolve(outcome)
    pause = null
  }

  /** A token for something that lasts: renewed beforehand when it is about to expire. Null without a session. */
  async function freshToken(): Promise<string | null> {
    if (!user.value) return null
    return token !== null && Date.now() < expiry - MARGIN ? token : renew()
  }

  async function ask(): Promise<Session | null> {
    try {
      const signal = AbortSignal.timeout(PATIENCE)
      const { data } = await refreshSession({ headers: SAME_ORIGIN, signal, throwOnError: true })
      return data
    } catch (error) {
      if (error instanceof ApiError && (error.status === 401 || error.status === 403)) return null
      throw error
    }
  }

  async function renew(): Promise<string | null> {
    const session = await renewal.run(user.value ? LISTEN : 0)
    if (session) begin(session)
    else if (user.value) return interrupt()
    else remember(false)
    return token
  }

  /** Before the first page: takes up the session that the cookie still holds. Asks once, again only after a failure. */
  async function restore(): Promise<void> {
    if (!remembered() && !restoring) return
    restoring ??= renew()
    try {
      await restoring
    } catch {
      // The server cannot be asked now: the visitor counts as signed out until the next page asks again.
      restoring = null
    }
  }

  async function signIn(email: string, password: string): Promise<void> {
    const { data } = await askToSignIn({ body: { email, password }, throwOnError: true })
    begin(data)
    tell({ kind: 'session', session: data })
  }

  /** Signs out in every tab. The tabs forget even when the server cannot be reached. */
  async function signOut(): Promise<void> {
    try {
      await askToSignOut({ headers: SAME_ORIGIN, throwOnError: true })
    } finally {
      end('signed-out')
      tell({ kind: 'signed-out' })
    }
  }

  /** Gives up a session that is over: the sign-in page comes, and what waited has failed. */
  const leave = () => end('expired')

  const signedIn = computed(() => user.value !== null)
  const hasRole = (roles: readonly Role[]) => user.value !== null && roles.includes(user.value.role)

  return { user, signedIn, ended, interrupted, tokens, hasRole, freshToken, restore, signIn, signOut, leave }
})

function remember(on: boolean): void {
  try {
    if (on) localStorage.setItem(HINT, '1')
    else localStorage.removeItem(HINT)
  } catch {
    // Storage is forbidden: the next start asks for the password.
  }
}

function remembered(): boolean {
  try {
    return localStorage.getItem(HINT) !== null
  } catch {
    return false
  }
}
