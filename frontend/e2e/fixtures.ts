/** What every story needs: a page that reports its faults, an account, pictures made on the spot. */
import { test as base, expect, type Page } from '@playwright/test'
import { picture } from './picture'

export { expect }

export const ADMIN = {
  email: process.env['E2E_ADMIN_EMAIL'] ?? 'admin@example.org',
  password: process.env['E2E_ADMIN_PASSWORD'] ?? '',
}

interface Faults {
  /** Console errors, page errors and requests to other origins, as they come. */
  list: string[]
  /** An error status that this story provokes: the browser writes it to the console. */
  allow: (status: number) => void
}

/** Fails every story that leaves an error in the console or asks another host for anything. */
export const test = base.extend<{ faults: Faults }>({
  faults: [
    async ({ page, baseURL }, use) => {
      const list: string[] = []
      const allowed = new Set<number>()
      page.on('console', (message) => {
        const status = Number(/status of (\d+)/.exec(message.text())?.[1])
        if (message.type() === 'error' && !allowed.has(status)) list.push(message.text())
      })
      page.on('pageerror', (error) => list.push(error.message))
      page.on('request', (request) => {
        const { origin, protocol } = new URL(request.url())
        const own = origin === new URL(baseURL ?? '').origin || protocol === 'data:' || protocol === 'blob:'
        if (!own) list.push(`third party: ${request.url()}`)
      })
      await use({ list, allow: (status) => allowed.add(status) })
      expect(list).toEqual([])
    },
    { auto: true },
  ],
})

/** Signs in on the page that is open. */
export async function fillIn(page: Page, { email, password } = ADMIN): Promise<void> {
  await page.getByLabel('E-mail').fill(email)
  await page.getByLabel('Password', { exact: true }).fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

export async function signIn(page: Page, path = '/'): Promise<void> {
  await page.goto(path)
  await page.waitForURL(/\/sign-in/)
  await fillIn(page)
  await page.waitForURL((url) => !url.pathname.startsWith('/sign-in'))
  // By tag, not by role: an open photo hides the page behind it from the tree of roles.
  await expect(page.locator('main h1')).toBeVisible()
}

/** Uploads pictures of these titles and waits until all are stored. */
export async function upload(page: Page, ...titles: string[]): Promise<void> {
  const files = titles.map((title) => ({
    name: `${title}.png`,
    mimeType: 'image/png',
    buffer: picture(320, 240, title),
  }))
  await page.getByTestId('picker').setInputFiles(files)
  const tray = page.getByTestId('uploads')
  await expect(tray.getByText('Done')).toHaveCount(titles.length)
  await tray.getByRole('button', { name: 'Close' }).click()
}

export const card = (page: Page, title: string) => page.getByTestId('photo').filter({ hasText: title })

/** A title that no other run has used. */
export function unique(name: string): string {
  return `${name} ${Date.now().toString(36)}${Math.floor(Math.random() * 1000)}`
}

export async function signOut(page: Page): Promise<void> {
  const menu = page.getByRole('button', { name: 'Open menu' })
  if (await menu.isVisible()) {
    await menu.click()
    await page.getByRole('button', { name: 'Sign out' }).click()
  } else {
    await page.getByRole('button', { name: /Account menu/ }).click()
    await page.getByRole('menuitem', { name: 'Sign out' }).click()
  }
  await page.waitForURL(/\/sign-in/)
}
