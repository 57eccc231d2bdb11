/** What the API answered when it did not do what was asked. */

export interface FieldFault {
  name: string
  reason: string
}

/** An answer with an error status, or no answer at all (status 0). */
export class ApiError extends Error {
  readonly status: number
  readonly code: number
  readonly fields: FieldFault[]
  /** Seconds after which the server would like to hear from us again, when it said so. */
  readonly retryAfter: number | undefined

  constructor(status: number, body: unknown, retryAfter?: number) {
    const said = isRecord(body) ? body : {}
    super(typeof said['message'] === 'string' ? said['message'] : `HTTP ${status}`)
    this.name = 'ApiError'
    this.status = status
    this.code = typeof said['code'] === 'number' ? said['code'] : status * 100
    this.fields = Array.isArray(said['errors']) ? said['errors'].filter(isFieldFault) : []
    this.retryAfter = retryAfter
  }
}

/** Seconds of a Retry-After header: a number, or a date (RFC 9110 10.2.3). */
export function retryAfterSeconds(header: string | null, now = Date.now()): number | undefined {
  if (!header) return undefined
  if (/^\d+$/.test(header)) return Number(header)
  const date = Date.parse(header)
  return Number.isNaN(date) ? undefined : Math.max(0, Math.ceil((date - now) / 1000))
}

export function isAborted(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError'
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function isFieldFault(value: unknown): value is FieldFault {
  return isRecord(value) && typeof value['name'] === 'string' && typeof value['reason'] === 'string'
}
