/** A new access token, asked for once: by however many callers, in however many tabs. */
import type { Session } from './types'

export type Message = { kind: 'session'; session: Session } | { kind: 'signed-out' }

export interface RenewalParts {
  /** Asks the server; null when the refresh cookie is no longer good. Throws when the server cannot be asked. */
  ask: () => Promise<Session | null>
  /** Runs `task` while no other tab runs its own. */
  exclusively: (task: () => Promise<Session | null>) => Promise<Session | null>
  /** Tells the other tabs. */
  tell: (message: Message) => void
}

/** Lives as long as the tab; owns the one running renewal and what other tabs told meanwhile. */
export class Renewal {
  private running: Promise<Session | null> | null = null
  private heard: Session | null = null
  private wake = () => {}
  private readonly parts: RenewalParts

  constructor(parts: RenewalParts) {
    this.parts = parts
  }

  /**
   * The session after renewal, or null when the user has to sign in again.
   * `listen`: milliseconds in which what another tab has just told may still arrive.
   */
  run(listen = 0): Promise<Session | null> {
    this.running ??= this.start(listen).finally(() => (this.running = null))
    return this.running
  }

  /** Another tab has got a session; a renewal that still waits for its turn takes that one. */
  hear(session: Session): void {
    this.heard = session
    this.wake()
  }

  private start(listen: number): Promise<Session | null> {
    this.heard = null
    return this.parts.exclusively(async () => {
      // The tab that had the lock before us told its session first, but a message can be slower than a lock.
      if (!this.heard && listen > 0) await this.hearing(listen)
      if (this.heard) return this.heard
      const session = await this.parts.ask()
      if (session) this.parts.tell({ kind: 'session', session })
      return session
    })
  }

  private hearing(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      this.wake = resolve
      setTimeout(resolve, milliseconds)
    })
  }
}

/** The browser's lock over all tabs of this origin; without it (insecure origins) the tab stands alone. */
export function exclusively<T>(task: () => Promise<T>): Promise<T> {
  const locks = navigator.locks as LockManager | undefined
  return locks ? (locks.request('session-refresh', task) as Promise<T>) : task()
}
