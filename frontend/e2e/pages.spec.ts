import { AxeBuilder } from '@axe-core/playwright'
import type { Page } from '@playwright/test'
import { expect, signIn, test, unique, upload } from './fixtures'

const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']

async function violations(page: Page, within = 'html'): Promise<string[]> {
  // Half-transparent text of a running animation is no fault of contrast.
  await page.evaluate(() =>
    Promise.all(document.getAnimations().map((animation) => animation.finished.catch(() => null))),
  )
  const { violations: found } = await new AxeBuilder({ page }).include(within).withTags(TAGS).analyze()
  return found.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target).join(' | ')}`)
}

for (const colorScheme of ['light', 'dark'] as const) {
  test.describe(`in ${colorScheme}`, () => {
    test.use({ colorScheme, contextOptions: { reducedMotion: 'reduce' } })

    test('the public pages are accessible', async ({ page }) => {
      await page.goto('/sign-in')
      await page.getByRole('button', { name: 'Sign in' }).click()
      await expect(page.getByText('Fill this in.').first()).toBeVisible()
      expect(await violations(page)).toEqual([])
      await page.goto('/no/such/page')
      await expect(page.getByRole('heading', { level: 1, name: 'Nothing at this address' })).toBeVisible()
      expect(await violations(page)).toEqual([])
    })

    test('the gallery, its menu and its dialogs are accessible', async ({ page }) => {
      const title = unique('Axe')
      await signIn(page)
      await upload(page, title, unique('Beside'))
      const photo = page.getByTestId('photo').filter({ hasText: title })
      await expect(photo.locator('img')).toBeVisible()
      expect(await violations(page)).toEqual([])
      await photo.getByRole('button').click()
      await page.getByRole('menuitem', { name: 'Edit' }).click()
      await expect(page.getByRole('dialog')).toBeVisible()
      expect(await violations(page)).toEqual([])
      await page.keyboard.press('Escape')
      await photo.getByRole('link').click()
      await expect(page.getByTestId('viewer').locator('img')).toBeVisible()
      expect(await violations(page)).toEqual([])
      await page.getByTestId('viewer').getByRole('button', { name: 'Delete' }).click()
      await expect(page.getByRole('dialog', { name: 'Delete this photo?' })).toBeVisible()
      expect(await violations(page)).toEqual([])
      await page.getByRole('dialog', { name: 'Delete this photo?' }).getByRole('button', { name: 'Delete' }).click()
      await expect(page).toHaveURL(/\/photos$/)
      await page.getByRole('searchbox').fill(title)
      await expect(page.getByRole('heading', { name: /Nothing matches/ })).toBeVisible()
      expect(await violations(page)).toEqual([])
    })

    test('the dialog of a session that is over is accessible', async ({ page, context, faults }) => {
      faults.allow(401)
      await signIn(page)
      await context.clearCookies()
      await page.route('**/api/v1/users/**', (route) =>
        route.fulfill({ status: 401, json: { code: 40100, message: 'unauthorized' } }),
      )
      await page.getByRole('combobox', { name: 'Sort by' }).selectOption('title')
      await expect(page.getByRole('dialog', { name: 'Your session has ended' })).toBeVisible()
      // What lies below is pale: it waits for its answer.
      expect(await violations(page, '[role=dialog]')).toEqual([])
    })

    test('the states with nothing to show are accessible', async ({ page, faults }) => {
      faults.allow(500)
      await page.route('**/api/v1/users/*/photos?*', (route) =>
        route.fulfill({ json: { items: [], total: 0, page: 1, size: 24 } }),
      )
      await signIn(page)
      await expect(page.getByRole('heading', { name: 'No photos yet' })).toBeVisible()
      expect(await violations(page)).toEqual([])
      await page.route('**/api/v1/users/*/photos?*', (route) =>
        route.fulfill({ status: 500, json: { code: 50000, message: 'internal server error' } }),
      )
      await page.reload()
      await expect(page.getByRole('heading', { name: 'The photos could not be loaded' })).toBeVisible()
      expect(await violations(page)).toEqual([])
      await page.unroute('**/api/v1/users/*/photos?*')
      await page.getByRole('button', { name: 'Try again' }).click()
      await expect(page.getByRole('alert')).toBeHidden()
    })

    test('the forbidden page is accessible and keeps the address', async ({ page }) => {
      await page.route('**/api/v1/auth/refresh', async (route) => {
        const response = await route.fetch()
        const session = (await response.json()) as { user: { role: string } }
        session.user.role = 'user'
        await route.fulfill({ response, json: session })
      })
      await signIn(page)
      await page.goto('/users/1/photos')
      await expect(page.getByRole('heading', { level: 1, name: 'This page is not for you' })).toBeVisible()
      await expect(page).toHaveURL(/\/users\/1\/photos$/)
      expect(await violations(page)).toEqual([])
    })

    test('the settings are accessible', async ({ page }) => {
      await signIn(page, '/settings')
      expect(await violations(page)).toEqual([])
    })
  })
}

test('a dark page is dark before the first paint', async ({ page }) => {
  await page.emulateMedia({ colorScheme: 'light' })
  await page.addInitScript(() => localStorage.setItem('theme', 'dark'))
  // Without the application itself: the class is theme-init.js's work alone.
  await page.route('**/assets/*.js', (route) => route.fulfill({ body: '', contentType: 'text/javascript' }))
  await page.goto('/sign-in')
  await expect(page.locator('html')).toHaveClass('dark')
})

test('theme and language are chosen in the settings and kept', async ({ page }) => {
  await signIn(page, '/settings')
  await page.getByText('Dark', { exact: true }).click()
  await expect(page.locator('html')).toHaveClass('dark')
  await page.getByRole('combobox', { name: 'Language' }).selectOption('ko')
  await expect(page.getByRole('heading', { level: 1, name: '설정' })).toBeVisible()
  await page.reload()
  await expect(page.locator('html')).toHaveClass('dark')
  await expect(page.locator('html')).toHaveAttribute('lang', 'ko')
  await expect(page).toHaveTitle(/^설정/)
})

test('going to another page moves the focus to its heading', async ({ page, isMobile }) => {
  await signIn(page)
  if (isMobile) await page.getByRole('button', { name: 'Open menu' }).click()
  await page.getByRole('link', { name: 'Settings' }).click()
  await expect(page.getByRole('heading', { level: 1, name: 'Settings' })).toBeFocused()
})

test('the first tab stop skips to the content', { tag: '@keyboard' }, async ({ page }) => {
  await signIn(page, '/settings')
  await page.reload()
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible()
  await page.keyboard.press('Tab')
  await expect(page.getByRole('link', { name: 'Skip to content' })).toBeFocused()
  await page.keyboard.press('Enter')
  await expect(page.getByRole('main')).toBeFocused()
})

test('an unknown address shows the page for it, a missing file is a real 404', async ({ page, request }) => {
  await page.goto('/nowhere')
  await expect(page.getByRole('heading', { level: 1, name: 'Nothing at this address' })).toBeVisible()
  expect((await request.get('/assets/missing.js')).status()).toBe(404)
  expect((await request.get('/api/v1/nowhere', { headers: { Accept: 'text/html' } })).status()).toBe(404)
  expect((await request.get('/.well-known/nowhere', { headers: { Accept: 'text/html' } })).status()).toBe(404)
})

test('a part that a deploy has removed reloads the page once, then says what is wrong', async ({ page, faults }) => {
  faults.allow(404)
  await signIn(page)
  let loads = 0
  page.on('load', () => (loads += 1))
  await page.route('**/assets/SettingsPage-*.js', (route) => route.fulfill({ status: 404, body: '' }))
  await page.goto('/settings')
  await expect(page.getByRole('heading', { level: 1, name: 'Something broke' })).toBeVisible()
  expect(loads).toBe(2)
  faults.list.length = 0
})
