/** A WebSocket that tells when something changed; it comes back when it is lost. */
import { onScopeDispose, watch } from 'vue'

const FIRST_PAUSE = 1_000 // milliseconds; doubled after each failure in a row
const LONGEST_PAUSE = 30_000

export interface LineParts {
  /** A token that is good for some time, or null when nobody is signed in. Throws when the server cannot be asked. */
  token: () => Promise<string | null>
  open: (token: string) => WebSocket
  /** Something changed, or may have changed while the line was down. */
  hear: () => void
}

/** Lives until it is closed. */
export class Line {
  private socket: WebSocket | null = null
  private timer: ReturnType<typeof setTimeout> | undefined
  private failures = 0
  private missed = false
  private closed = false
  private readonly parts: LineParts

  constructor(parts: LineParts) {
    this.parts = parts
    void this.connect()
  }

  close(): void {
    this.closed = true
    clearTimeout(this.timer)
    this.socket?.close()
  }

  private async connect(): Promise<void> {
    try {
      const token = await this.parts.token()
      if (token !== null && !this.closed) this.listen(this.parts.open(token))
    } catch {
      // The server cannot be asked now.
      this.retry()
    }
  }

  private listen(socket: WebSocket): void {
    this.socket = socket
    socket.addEventListener('open', () => {
      this.failures = 0
      if (this.missed) this.parts.hear()
    })
    socket.addEventListener('message', () => this.parts.hear())
    socket.addEventListener('close', () => this.retry())
  }

  private retry(): void {
    if (this.closed) return
    this.missed = true
    const pause = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** this.failures)
    this.failures += 1
    // Not all pages at once, when a server comes back.
    this.timer = setTimeout(() => void this.connect(), pause * (0.5 + Math.random() / 2))
  }
}

/** Keeps a line to `path()` open while there is one. `hear` is called once for changes that come close together. */
export function useLine(path: () => string | null, token: LineParts['token'], hear: () => void): void {
  let line: Line | null = null
  let timer: ReturnType<typeof setTimeout> | undefined

  function hearSoon(): void {
    clearTimeout(timer)
    timer = setTimeout(hear, 200)
  }

  function close(): void {
    clearTimeout(timer)
    line?.close()
    line = null
  }

  watch(
    path,
    (now) => {
      close()
      if (now === null) return
      const url = new URL(now, location.href.replace(/^http/, 'ws'))
      line = new Line({ token, open: (bearer) => new WebSocket(url, ['bearer', bearer]), hear: hearSoon })
    },
    { immediate: true },
  )
  onScopeDispose(close)
}
