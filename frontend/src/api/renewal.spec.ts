import { describe, expect, it, vi } from 'vitest'
import { Renewal, type RenewalParts } from './renewal'
import type { Session } from './types'

const session = (token: string): Session => ({
  access_token: token,
  token_type: 'Bearer',
  expires_in: 600,
  user: { id: 1, email: 'ada@example.org', name: 'Ada', role: 'user' },
})

/** What the browser gives all tabs: one lock, and messages that reach every other tab. */
function browser(ask: RenewalParts['ask']) {
  let turn: Promise<unknown> = Promise.resolve()
  const tabs: Renewal[] = []
  const exclusively: RenewalParts['exclusively'] = (task) => {
    const mine = turn.then(task)
    turn = mine.catch(() => null)
    return mine
  }
  return () => {
    const tab: Renewal = new Renewal({
      ask,
      exclusively,
      tell: (message) => {
        if (message.kind === 'session') for (const other of tabs) if (other !== tab) other.hear(message.session)
      },
    })
    tabs.push(tab)
    return tab
  }
}

describe('Renewal', () => {
  it('asks once for all who wait in a tab', async () => {
    const ask = vi.fn(() => Promise.resolve(session('a')))
    const tab = browser(ask)()
    const answers = await Promise.all([tab.run(), tab.run(), tab.run()])
    expect(ask).toHaveBeenCalledOnce()
    expect(answers.map((answer) => answer?.access_token)).toEqual(['a', 'a', 'a'])
  })

  it('asks once for all tabs: who comes second takes what the first got', async () => {
    const ask = vi.fn(() => Promise.resolve(session('a')))
    const open = browser(ask)
    const answers = await Promise.all([open().run(), open().run()])
    expect(ask).toHaveBeenCalledOnce()
    expect(answers.map((answer) => answer?.access_token)).toEqual(['a', 'a'])
  })

  it('asks again when the next one is needed', async () => {
    let count = 0
    const tab = browser(() => Promise.resolve(session(`t${++count}`)))()
    expect((await tab.run())?.access_token).toBe('t1')
    expect((await tab.run())?.access_token).toBe('t2')
  })

  it('waits a moment for what another tab has told just before', async () => {
    const ask = vi.fn(() => Promise.resolve(session('needless')))
    const tab = browser(ask)()
    const answer = tab.run(1000)
    setTimeout(() => tab.hear(session('late')), 5)
    expect((await answer)?.access_token).toBe('late')
    expect(ask).not.toHaveBeenCalled()
  })

  it('asks itself when nobody tells anything', async () => {
    const tab = browser(() => Promise.resolve(session('own')))()
    expect((await tab.run(5))?.access_token).toBe('own')
  })

  it('does not take a session that was told before it was needed', async () => {
    const tab = browser(() => Promise.resolve(session('new')))()
    tab.hear(session('old'))
    expect((await tab.run())?.access_token).toBe('new')
  })

  it('gives null when the server refuses, and tells nobody', async () => {
    const tell = vi.fn()
    const tab = new Renewal({ ask: () => Promise.resolve(null), exclusively: (task) => task(), tell })
    expect(await tab.run()).toBeNull()
    expect(tell).not.toHaveBeenCalled()
  })

  it('recovers from a failed question', async () => {
    const ask = vi.fn<RenewalParts['ask']>().mockRejectedValueOnce(new Error('offline')).mockResolvedValue(session('a'))
    const tab = browser(ask)()
    await expect(tab.run()).rejects.toThrow('offline')
    expect((await tab.run())?.access_token).toBe('a')
  })
})
