import { describe, expect, it } from 'vitest'
import { ApiError, retryAfterSeconds } from './errors'

describe('ApiError', () => {
  it('keeps what the API said', () => {
    const body = { code: 40050, message: 'invalid', errors: [{ name: 'title', reason: 'too long' }, 'junk'] }
    const error = new ApiError(400, body)
    expect(error).toMatchObject({ status: 400, code: 40050, message: 'invalid' })
    expect(error.fields).toEqual([{ name: 'title', reason: 'too long' }])
  })

  it('does without a body that it understands', () => {
    for (const body of [null, undefined, '<html>', 7, []]) {
      expect(new ApiError(502, body)).toMatchObject({ code: 50200, message: 'HTTP 502', fields: [] })
    }
  })
})

describe('retryAfterSeconds', () => {
  it('reads seconds and dates', () => {
    const now = Date.parse('2026-11-22T08:00:00Z')
    expect(retryAfterSeconds('120', now)).toBe(120)
    expect(retryAfterSeconds('Sun, 22 Nov 2026 08:00:30 GMT', now)).toBe(30)
    expect(retryAfterSeconds('Sun, 22 Nov 2026 07:00:00 GMT', now)).toBe(0)
  })

  it('gives nothing for nothing', () => {
    expect(retryAfterSeconds(null)).toBeUndefined()
    expect(retryAfterSeconds('soon')).toBeUndefined()
  })
})
