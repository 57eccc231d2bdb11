import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Line } from './live'

class Socket extends EventTarget {
  closed = false
  close(): void {
    this.closed = true
  }
  tell(event: 'open' | 'message' | 'close'): void {
    this.dispatchEvent(new Event(event))
  }
}

function line(token: () => Promise<string | null> = async () => 't') {
  const sockets: Socket[] = []
  const hear = vi.fn()
  const open = vi.fn(() => {
    sockets.push(new Socket())
    return sockets.at(-1) as unknown as WebSocket
  })
  return { made: new Line({ token, open, hear }), sockets, hear, open }
}

describe('Line', () => {
  beforeEach(() => vi.useFakeTimers())
  afterEach(() => vi.useRealTimers())

  it('hears what comes', async () => {
    const { sockets, hear, open } = line()
    await vi.advanceTimersByTimeAsync(0)
    expect(open).toHaveBeenCalledWith('t')
    sockets[0]?.tell('open')
    expect(hear).not.toHaveBeenCalled()
    sockets[0]?.tell('message')
    expect(hear).toHaveBeenCalledTimes(1)
  })

  it('comes back, ever more slowly, and asks what it missed', async () => {
    const { sockets, hear } = line()
    await vi.advanceTimersByTimeAsync(0)
    sockets[0]?.tell('close')
    await vi.advanceTimersByTimeAsync(1000)
    expect(sockets).toHaveLength(2)
    sockets[1]?.tell('close')
    await vi.advanceTimersByTimeAsync(999)
    expect(sockets).toHaveLength(2)
    await vi.advanceTimersByTimeAsync(1001)
    expect(sockets).toHaveLength(3)
    sockets[2]?.tell('open')
    expect(hear).toHaveBeenCalledTimes(1)
    sockets[2]?.tell('close')
    await vi.advanceTimersByTimeAsync(1000)
    expect(sockets).toHaveLength(4)
  })

  it('waits while the server cannot be asked for a token, and opens nothing when nobody is signed in', async () => {
    const token = vi.fn<() => Promise<string | null>>().mockRejectedValueOnce(new TypeError('offline'))
    token.mockResolvedValueOnce('fresh').mockResolvedValue(null)
    const { sockets, open } = line(token)
    await vi.advanceTimersByTimeAsync(1000)
    expect(open).toHaveBeenCalledExactlyOnceWith('fresh')
    sockets[0]?.tell('close')
    await vi.advanceTimersByTimeAsync(60_000)
    expect(sockets).toHaveLength(1)
  })

  it('is silent once it is closed', async () => {
    const { made, sockets } = line()
    await vi.advanceTimersByTimeAsync(0)
    made.close()
    expect(sockets[0]?.closed).toBe(true)
    sockets[0]?.tell('close')
    await vi.advanceTimersByTimeAsync(60_000)
    expect(sockets).toHaveLength(1)
  })
})
