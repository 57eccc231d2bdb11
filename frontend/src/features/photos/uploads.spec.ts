import { createPinia, setActivePinia } from 'pinia'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { titleOf, useUploads } from './uploads'

/** The browser's upload, driven by the test: each request waits until it is answered. */
class Wire {
  static readonly all: Wire[] = []
  readonly upload = new EventTarget()
  readonly headers: Record<string, string> = {}
  readonly #events = new EventTarget()
  responseType = ''
  status = 0
  response: unknown = null
  body: FormData | null = null

  open(): void {
    Wire.all.push(this)
  }
  setRequestHeader(name: string, value: string): void {
    this.headers[name] = value
  }
  getResponseHeader(): null {
    return null
  }
  addEventListener(name: string, listener: () => void): void {
    this.#events.addEventListener(name, listener)
  }
  send(body: FormData): void {
    this.body = body
  }
  abort(): void {
    this.#events.dispatchEvent(new Event('abort'))
  }
  progress(loaded: number, total: number): void {
    this.upload.dispatchEvent(Object.assign(new Event('progress'), { lengthComputable: true, loaded, total }))
  }
  answer(status: number, response: unknown = {}): void {
    Object.assign(this, { status, response })
    this.#events.dispatchEvent(new Event('load'))
  }
}

const picture = (name: string, type = 'image/png') => new File(['bytes'], name, { type })
const states = (uploads: ReturnType<typeof useUploads>) => uploads.items.map(({ state }) => state)

describe('useUploads', () => {
  beforeEach(() => {
    Wire.all.length = 0
    vi.stubGlobal('XMLHttpRequest', Wire)
    setActivePinia(createPinia())
  })

  it('sends two at once and the next when one is done', async () => {
    const uploads = useUploads()
    uploads.add(1, [picture('a.png'), picture('b.png'), picture('c.png')])
    expect(states(uploads)).toEqual(['sending', 'sending', 'waiting'])
    Wire.all[0]?.answer(201)
    await vi.waitFor(() => expect(states(uploads)).toEqual(['done', 'sending', 'sending']))
    expect(uploads.finished).toBe(1)
    expect(Wire.all[2]?.body?.get('title')).toBe('c')
  })

  it('tells how far it is', () => {
    const uploads = useUploads()
    uploads.add(1, [picture('a.png')])
    Wire.all[0]?.progress(30, 120)
    expect(uploads.items[0]?.share).toBe(0.25)
  })

  it('refuses what the server would refuse, without sending', () => {
    const uploads = useUploads()
    const huge = picture('huge.png')
    Object.defineProperty(huge, 'size', { value: 10 ** 9 })
    uploads.add(1, [picture('a.txt', 'text/plain'), huge])
    expect(uploads.items.map(({ reason }) => reason)).toEqual(['Not a JPEG, PNG or WebP picture', 'Larger than 20 MB'])
    expect(Wire.all).toHaveLength(0)
  })

  it('keeps a failed one with its reason, and sends it again', async () => {
    const uploads = useUploads()
    uploads.add(1, [picture('a.png')])
    Wire.all[0]?.answer(413)
    await vi.waitFor(() => expect(uploads.failed).toHaveLength(1))
    const [item] = uploads.failed
    expect(item).toMatchObject({ reason: 'That is too large.', retryable: true })
    if (item) uploads.retry(item)
    Wire.all[1]?.answer(201)
    await vi.waitFor(() => expect(states(uploads)).toEqual(['done']))
  })

  it('cancels one under way and goes on with the next', async () => {
    const uploads = useUploads()
    uploads.add(1, [picture('a.png'), picture('b.png'), picture('c.png')])
    const [first] = uploads.items
    if (first) uploads.drop(first)
    await vi.waitFor(() => expect(states(uploads)).toEqual(['sending', 'sending']))
    expect(uploads.failed).toHaveLength(0)
  })

  it('clears the list of what is done when new files come', async () => {
    const uploads = useUploads()
    uploads.add(1, [picture('a.png')])
    Wire.all[0]?.answer(201)
    await vi.waitFor(() => expect(uploads.active).toHaveLength(0))
    uploads.add(1, [picture('b.png')])
    expect(uploads.items.map(({ file }) => file.name)).toEqual(['b.png'])
  })
})

describe('titleOf', () => {
  it.each([
    ['IMG_2031-beach.jpeg', 'IMG 2031-beach'],
    ['.png', '.png'],
    ['no suffix', 'no suffix'],
  ])('calls %s %s', (file, title) => {
    expect(titleOf(file)).toBe(title)
  })
})
