import { defineConfig, devices } from '@playwright/test'

/** The backend that serves dist is started by scripts/; it passes its address and an account in the environment. */
const baseURL = process.env['E2E_BASE_URL'] ?? 'http://127.0.0.1:8000'

export default defineConfig({
  testDir: './e2e',
  workers: 1,
  retries: 0,
  timeout: 60_000,
  expect: { timeout: 10_000 },
  forbidOnly: process.env['CI'] !== undefined,
  reporter: [['list'], ['junit', { outputFile: 'test-results/e2e.xml' }]],
  use: {
    baseURL,
    locale: 'en-US',
    testIdAttribute: 'data-test',
    trace: 'retain-on-failure',
    launchOptions: {
      executablePath: process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium',
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        // A request to any other host fails, so a leaked CDN link breaks the tests.
        '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
      ],
    },
  },
  projects: [
    { name: 'desktop', use: devices['Desktop Chrome'] },
    // A phone has no keyboard.
    { name: 'phone', use: devices['Pixel 7'], grepInvert: /@keyboard/ },
  ],
})
