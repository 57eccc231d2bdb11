/** The generated client, set up: same origin, access token, errors as ApiError. */
import { authorizedFetch, type Tokens } from './authorized'
import { ApiError, isAborted, retryAfterSeconds } from './errors'
import { client } from './generated/client.gen'

export function setUpClient(tokens: Tokens): void {
  client.setConfig({ baseUrl: location.origin, fetch: authorizedFetch(tokens), credentials: 'same-origin' })
  client.interceptors.error.use((error, response) => {
    if (isAborted(error) || error instanceof ApiError) return error
    return new ApiError(response?.status ?? 0, error, retryAfterSeconds(response?.headers.get('Retry-After') ?? null))
  })
}
