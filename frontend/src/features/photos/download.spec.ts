import { describe, expect, it } from 'vitest'
import { fileNameOf } from './download'

describe('fileNameOf', () => {
  it.each([
    ['Harbour at dawn', 'image/jpeg', 'Harbour at dawn.jpg'],
    ['a/b\\c:d*e?"<>|', 'image/png', 'a b c d e.png'],
    ['../../etc/passwd', 'image/webp', '.. .. etc passwd.webp'],
    ['line\nbreak', 'image/png', 'line break.png'],
    ['  ', 'image/png', 'photo.png'],
    ['사진', 'image/tiff', '사진'],
  ])('makes of %j and %s the name %j', (title, content_type, name) => {
    expect(fileNameOf({ title, content_type })).toBe(name)
  })
})
