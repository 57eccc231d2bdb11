/** fetch with the access token; after a 401 the token is renewed once and the request repeated. */

export interface Tokens {
  current: () => string | null
  /** A new token, or null when the session is over. Takes as long as its user needs to give the password again. */
  renew: () => Promise<string | null>
}

export function authorizedFetch(tokens: Tokens, send: typeof fetch = (...call) => fetch(...call)): typeof fetch {
  return async (input, init) => {
    const request = new Request(input, init)
    // Signing in, refreshing and signing out live on the cookie: a 401 there is the answer.
    if (new URL(request.url).pathname.startsWith('/api/v1/auth/')) return send(request)
    const spare = request.clone()
    const used = tokens.current()
    const answer = await send(withToken(request, used))
    if (answer.status !== 401) return answer
    const token = await tokenAfter(used, tokens)
    return token ? send(withToken(spare, token)) : answer
  }
}

/** The token to try after `used` was refused: the one that has come since, from here or another tab, or a new one. */
export async function tokenAfter(used: string | null, tokens: Tokens): Promise<string | null> {
  const now = tokens.current()
  return now !== null && now !== used ? now : tokens.renew()
}

function withToken(request: Request, token: string | null): Request {
  if (token) request.headers.set('Authorization', `Bearer ${token}`)
  return request
}
