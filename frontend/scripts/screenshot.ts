/** Signs in and takes the picture of the gallery for README.md; scripts/screenshot.py gives it a backend. */
import { chromium } from '@playwright/test'

const { BASE_URL = '', EMAIL = '', PASSWORD = '', CHROMIUM_PATH, PICTURE = 'gallery.png' } = process.env

const browser = await chromium.launch({
  ...(CHROMIUM_PATH === undefined ? {} : { executablePath: CHROMIUM_PATH }),
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update'],
})
const page = await browser.newPage({ baseURL: BASE_URL, viewport: { width: 1280, height: 800 }, locale: 'en-US' })
await page.goto('/')
await page.getByLabel('E-mail').fill(EMAIL)
await page.getByLabel('Password', { exact: true }).fill(PASSWORD)
await page.getByRole('button', { name: 'Sign in' }).click()
await page.locator('main img').nth(5).waitFor()
await page.waitForLoadState('networkidle')
await page.screenshot({ path: PICTURE, animations: 'disabled' })
await browser.close()
