import { describe, expect, it } from 'vitest'
import { safeNext } from './next'

const at = (wanted: unknown) => safeNext(wanted, 'https://photos.example.org')

describe('safeNext', () => {
  it.each(['/photos', '/photos?page=2&q=a%20b', '/settings#theme', '/'])('follows %s', (path) => {
    expect(at(path)).toBe(path)
  })

  it.each([
    '//evil.example',
    '/\\evil.example',
    '\\\\evil.example',
    '/\t/evil.example',
    '/\n/evil.example',
    'https://evil.example/',
    'javascript:alert(1)',
    'photos',
    '',
    undefined,
    null,
    ['/photos'],
  ])('goes home instead of to %j', (wanted) => {
    expect(at(wanted)).toBe('/')
  })

  it('keeps dot segments inside the site', () => {
    expect(at('/a/..//evil.example')).toBe('/')
    expect(at('/a/../settings')).toBe('/settings')
  })
})
