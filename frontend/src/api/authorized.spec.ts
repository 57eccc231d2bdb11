import { describe, expect, it, vi } from 'vitest'
import { authorizedFetch } from './authorized'

/** A server that knows one good token, and remembers what it was asked. */
function server(good: string) {
  const seen: { token: string | null; body: string }[] = []
  const send = async (input: RequestInfo | URL) => {
    const request = input as Request
    const token = request.headers.get('Authorization')
    seen.push({ token, body: await request.text() })
    return new Response(null, { status: token === `Bearer ${good}` ? 200 : 401 })
  }
  return { seen, send }
}

const URL_OF_PHOTOS = 'http://localhost/api/v1/users/me/photos'

describe('authorizedFetch', () => {
  it('sends the token', async () => {
    const { seen, send } = server('good')
    const call = authorizedFetch({ current: () => 'good', renew: () => Promise.reject(new Error('needless')) }, send)
    expect((await call(URL_OF_PHOTOS)).status).toBe(200)
    expect(seen).toEqual([{ token: 'Bearer good', body: '' }])
  })

  it('renews once after a 401 and repeats the whole request', async () => {
    const { seen, send } = server('new')
    const renew = vi.fn(() => Promise.resolve('new'))
    const call = authorizedFetch({ current: () => 'old', renew }, send)
    expect((await call(URL_OF_PHOTOS, { method: 'POST', body: 'words' })).status).toBe(200)
    expect(renew).toHaveBeenCalledOnce()
    expect(seen).toEqual([
      { token: 'Bearer old', body: 'words' },
      { token: 'Bearer new', body: 'words' },
    ])
  })

  it('takes a token that has come while the request was under way, without renewing', async () => {
    const { seen, send } = server('new')
    let current = 'old'
    const renew = vi.fn(() => Promise.resolve('needless'))
    const call = authorizedFetch({ current: () => current, renew }, (input) => {
      const answer = send(input as Request)
      current = 'new'
      return answer
    })
    expect((await call(URL_OF_PHOTOS)).status).toBe(200)
    expect(renew).not.toHaveBeenCalled()
    expect(seen.map(({ token }) => token)).toEqual(['Bearer old', 'Bearer new'])
  })

  it('repeats once only', async () => {
    const { seen, send } = server('other')
    const call = authorizedFetch({ current: () => 'old', renew: () => Promise.resolve('new') }, send)
    expect((await call(URL_OF_PHOTOS)).status).toBe(401)
    expect(seen).toHaveLength(2)
  })

  it('hands the 401 on when the session is over', async () => {
    const { seen, send } = server('good')
    const call = authorizedFetch({ current: () => 'old', renew: () => Promise.resolve(null) }, send)
    expect((await call(URL_OF_PHOTOS)).status).toBe(401)
    expect(seen).toHaveLength(1)
  })

  it('neither sends the token to the auth paths nor renews for them', async () => {
    const { seen, send } = server('good')
    const renew = vi.fn(() => Promise.resolve('good'))
    const call = authorizedFetch({ current: () => 'good', renew }, send)
    expect((await call('http://localhost/api/v1/auth/refresh', { method: 'POST' })).status).toBe(401)
    expect(seen).toEqual([{ token: null, body: '' }])
    expect(renew).not.toHaveBeenCalled()
  })
})
