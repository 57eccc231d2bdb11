import type { Page } from '@playwright/test'
import { ADMIN, card, expect, fillIn, signIn, signOut, test, unique, upload } from './fixtures'

test('a visitor signs in and comes to the photos', async ({ page }) => {
  await signIn(page)
  await expect(page).toHaveURL(/\/photos$/)
  await expect(page).toHaveTitle(/^Photos · /)
})

test('signing in leads to the page that was asked for', async ({ page }) => {
  await signIn(page, '/settings')
  await expect(page).toHaveURL(/\/settings$/)
})

test('a next address of another site is not followed', async ({ page, baseURL }) => {
  await page.goto('/sign-in?next=//example.org/trap')
  await fillIn(page)
  await expect(page.getByRole('heading', { level: 1, name: 'Photos' })).toBeVisible()
  expect(page.url()).toBe(`${baseURL}/photos`)
})

test('a wrong password gets one sentence that does not say which part was wrong', async ({ page, faults }) => {
  faults.allow(401)
  await page.goto('/sign-in')
  await fillIn(page, { ...ADMIN, password: 'not the password' })
  await expect(page.getByRole('alert')).toHaveText('The e-mail address or the password is wrong.')
  await expect(page.getByLabel('Password', { exact: true })).toHaveValue('')
})

test('an empty form names its faults and puts the focus on the first', async ({ page }) => {
  await page.goto('/sign-in')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await expect(page.getByLabel('E-mail')).toBeFocused()
  await expect(page.getByLabel('E-mail')).toHaveAccessibleDescription('Fill this in.')
})

test('a deep link survives a reload without asking for the password', async ({ page }) => {
  await signIn(page, '/photos?q=sea&sort=title')
  await page.reload()
  await expect(page).toHaveURL(/\/photos\?q=sea&sort=title$/)
  await expect(page.getByRole('searchbox')).toHaveValue('sea')
  await expect(page.getByRole('combobox', { name: 'Sort by' })).toHaveValue('title')
})

test('nothing that opens the session lies in the storage', async ({ page }) => {
  await signIn(page)
  const stored = await page.evaluate(() => Object.entries({ ...localStorage, ...sessionStorage }))
  expect(stored.filter(([name]) => name !== 'vue-router:scroll')).toEqual([['signed-in', '1']])
  expect(await page.evaluate(() => document.cookie)).toBe('')
})

/** Spoils an access token as if it had expired: the server refuses it, and takes the one that comes after. */
async function expireToken(page: Page): Promise<void> {
  let old: string | undefined
  // Two tokens of one second are the same text.
  await page.waitForTimeout(1100)
  await page.route('**/api/v1/users/**', async (route) => {
    const headers = route.request().headers()
    const token = headers['authorization'] ?? ''
    old ??= token
    await route.continue({ headers: { ...headers, authorization: token === old ? 'Bearer expired' : token } })
  })
}

test('an expired access token is renewed behind the scenes, once for all requests', async ({ page, faults }) => {
  faults.allow(401)
  const [first, second] = [unique('First'), unique('Second')]
  await signIn(page)
  await upload(page, first, second)
  let renewals = 0
  page.on('request', (request) => (renewals += Number(request.url().endsWith('/auth/refresh'))))
  await expireToken(page)
  // The list and, with it, several pictures.
  await page.getByRole('combobox', { name: 'Sort by' }).selectOption('-size')
  await page.getByRole('searchbox').fill(first)
  await expect(page.getByTestId('photo')).toHaveCount(1)
  await expect(card(page, first).locator('img')).toBeVisible()
  await expect(page).toHaveURL(/\/photos\?/)
  expect(renewals).toBe(1)
})

test('an upload with an expired token is repeated with a new one', async ({ page, faults }) => {
  faults.allow(401)
  const title = unique('Late')
  await signIn(page)
  await expireToken(page)
  await upload(page, title)
  await expect(card(page, title)).toBeVisible()
})

test('tabs whose tokens expire at once renew them with one request between them', async ({ page, context, faults }) => {
  faults.allow(401)
  await signIn(page)
  await upload(page, unique('Shared'))
  const tabs = [page]
  for (let count = 0; count < 2; count += 1) {
    const tab = await context.newPage()
    await tab.goto('/photos')
    await expect(tab.getByTestId('photo').first()).toBeVisible()
    tabs.push(tab)
  }
  let renewals = 0
  for (const tab of tabs) {
    tab.on('request', (request) => (renewals += Number(request.url().endsWith('/auth/refresh'))))
    await expireToken(tab)
  }
  await Promise.all(tabs.map((tab) => tab.getByRole('combobox', { name: 'Sort by' }).selectOption('title')))
  for (const tab of tabs) {
    await expect(tab.getByRole('list', { name: 'Photos' })).toHaveAttribute('aria-busy', 'false')
    await expect(tab).toHaveURL(/\/photos\?sort=title$/)
  }
  expect(renewals).toBe(1)
})

test('tabs that start at once take their turns with the refresh cookie', async ({ page, context }) => {
  await signIn(page)
  const other = await context.newPage()
  await other.goto('/settings')
  await expect(other.getByRole('heading', { level: 1, name: 'Settings' })).toBeVisible()
  await Promise.all([page.reload(), other.reload()])
  await expect(page.getByRole('heading', { level: 1, name: 'Photos' })).toBeVisible()
  await expect(other.getByRole('heading', { level: 1, name: 'Settings' })).toBeVisible()
})

test('a session that is over asks for the password, and what was being done goes on', async ({
  page,
  context,
  faults,
}) => {
  faults.allow(401)
  const [before, after] = [unique('Before'), unique('After')]
  await signIn(page)
  await upload(page, before)
  await card(page, before).getByRole('button').click()
  await page.getByRole('menuitem', { name: 'Edit' }).click()
  await page.getByLabel('Title').fill(after)
  await context.clearCookies()
  await expireToken(page)
  await page.getByRole('button', { name: 'Save' }).click()
  const dialog = page.getByRole('dialog', { name: 'Your session has ended' })
  await expect(dialog.getByLabel('Password')).toBeFocused()
  await page.keyboard.press('Escape')
  await dialog.getByLabel('Password').fill('not the password')
  await dialog.getByRole('button', { name: 'Sign in', exact: true }).click()
  await expect(dialog.getByRole('alert')).toHaveText('The e-mail address or the password is wrong.')
  await dialog.getByLabel('Password').fill(ADMIN.password)
  await dialog.getByRole('button', { name: 'Sign in', exact: true }).click()
  await expect(dialog).toBeHidden()
  await expect(page.getByRole('dialog', { name: 'Edit photo' })).toBeHidden()
  await expect(card(page, after)).toBeVisible()
})

test('a session that is over can be left for the sign-in page, which leads back again', async ({
  page,
  context,
  faults,
}) => {
  faults.allow(401)
  await signIn(page, '/settings')
  await context.clearCookies()
  await expireToken(page)
  await page.evaluate(() => history.pushState(null, '', '/photos?sort=title'))
  await page.evaluate(() => dispatchEvent(new PopStateEvent('popstate', { state: null })))
  await page.getByRole('button', { name: 'Sign in as someone else' }).click()
  await page.waitForURL(/\/sign-in\?next=/)
  await expect(page.getByRole('status')).toContainText('Your session has ended')
  await fillIn(page)
  await expect(page).toHaveURL(/\/photos\?sort=title$/)
})

test('signing out ends the session in every tab', async ({ page, context }) => {
  await signIn(page)
  const other = await context.newPage()
  await other.goto('/settings')
  await expect(other.getByRole('heading', { level: 1, name: 'Settings' })).toBeVisible()
  await signOut(page)
  await other.waitForURL(/\/sign-in/)
  await other.reload()
  await expect(other.getByRole('heading', { level: 1, name: 'Sign in' })).toBeVisible()
})
