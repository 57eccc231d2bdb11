import { createPinia, setActivePinia } from 'pinia'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { setUpClient } from '@/api/client'
import { useSession } from './session'

const USER = { id: 1, email: 'ada@example.org', name: 'Ada', role: 'staff' }

/** The auth paths of the server: a cookie that is good or not, and a count of what was asked. */
function server() {
  const state = { cookie: false, asked: [] as string[], headers: [] as (string | null)[] }
  let count = 0
  vi.stubGlobal('fetch', async (input: RequestInfo | URL) => {
    const request = input as Request
    const path = new URL(request.url).pathname.replace('/api/v1/auth/', '')
    state.asked.push(path)
    state.headers.push(request.headers.get('X-Requested-With'))
    await new Promise((resolve) => setTimeout(resolve, 1))
    if (path === 'sign-out') return ((state.cookie = false), new Response(null, { status: 204 }))
    if (path === 'sign-in') state.cookie = ((await request.json()) as { password: string }).password === 'right'
    if (!state.cookie) return Response.json({ code: 40100, message: 'unauthorized' }, { status: 401 })
    return Response.json({ access_token: `t${++count}`, token_type: 'Bearer', expires_in: 600, user: USER })
  })
  return state
}

function open() {
  setActivePinia(createPinia())
  const session = useSession()
  setUpClient(session.tokens)
  return session
}

describe('useSession', () => {
  beforeEach(() => localStorage.clear())

  it('signs in, keeps the token to itself, and signs out', async () => {
    const state = server()
    const session = open()
    await session.signIn('ada@example.org', 'right')
    expect(session.user).toEqual(USER)
    expect(session.hasRole(['staff'])).toBe(true)
    expect(session.tokens.current()).toBe('t1')
    expect(JSON.stringify(session.$state) + JSON.stringify({ ...localStorage })).not.toContain('t1')
    await session.signOut()
    expect(session.signedIn).toBe(false)
    expect(session.tokens.current()).toBeNull()
    expect(state.headers.at(-1)).toBe('fetch')
  })

  it('throws what the server said when it refuses', async () => {
    server()
    const session = open()
    await expect(session.signIn('ada@example.org', 'wrong')).rejects.toMatchObject({ status: 401 })
    expect(session.signedIn).toBe(false)
  })

  it('asks nothing at the start of a first visit', async () => {
    const state = server()
    await open().restore()
    expect(state.asked).toEqual([])
  })

  it('takes up the session that the cookie holds, once', async () => {
    const state = server()
    state.cookie = true
    localStorage.setItem('signed-in', '1')
    const session = open()
    await Promise.all([session.restore(), session.restore()])
    await session.restore()
    expect(session.user).toEqual(USER)
    expect(state.asked).toEqual(['refresh'])
    expect(state.headers).toEqual(['fetch'])
  })

  it('renews once for all who need a token', async () => {
    const state = server()
    const session = open()
    await session.signIn('ada@example.org', 'right')
    expect(await Promise.all([session.tokens.renew(), session.tokens.renew()])).toEqual(['t2', 't2'])
    expect(state.asked).toEqual(['sign-in', 'refresh'])
  })

  it('waits for the password when the cookie is no longer good, and goes on with the new token', async () => {
    const state = server()
    const session = open()
    await session.signIn('ada@example.org', 'right')
    state.cookie = false
    const waiting = Promise.all([session.tokens.renew(), session.tokens.renew()])
    await vi.waitFor(() => expect(session.interrupted).toBe(true))
    expect(session.user).toEqual(USER)
    expect(session.tokens.current()).toBeNull()
    expect(localStorage.getItem('signed-in')).toBeNull()
    await expect(session.signIn('ada@example.org', 'wrong')).rejects.toMatchObject({ status: 401 })
    expect(session.interrupted).toBe(true)
    await session.signIn('ada@example.org', 'right')
    expect(await waiting).toEqual(['t2', 't2'])
    expect(session.interrupted).toBe(false)
  })

  it('ends when its user leaves instead', async () => {
    const state = server()
    const session = open()
    await session.signIn('ada@example.org', 'right')
    state.cookie = false
    const waiting = session.tokens.renew()
    await vi.waitFor(() => expect(session.interrupted).toBe(true))
    session.leave()
    expect(await waiting).toBeNull()
    expect([session.signedIn, session.ended, session.interrupted]).toEqual([false, 'expired', false])
  })

  it('stays signed in when the server cannot be reached', async () => {
    server()
    const session = open()
    await session.signIn('ada@example.org', 'right')
    vi.stubGlobal('fetch', () => Promise.reject(new TypeError('offline')))
    await expect(session.tokens.renew()).rejects.toMatchObject({ status: 0 })
    expect(session.signedIn).toBe(true)
  })

  it('tells the other tabs', async () => {
    server()
    const other = open()
    const session = open()
    await session.signIn('ada@example.org', 'right')
    await vi.waitFor(() => expect(other.signedIn).toBe(true))
    await session.signOut()
    await vi.waitFor(() => expect(other.ended).toBe('signed-out'))
  })
})
