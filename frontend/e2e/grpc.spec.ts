/** PhotoService called from a page by gRPC-Web, with a client that others wrote. */
import { readFileSync } from 'node:fs'
import { build, type Rolldown } from 'vite'
import type * as browser from './browser/photos'
import { ADMIN, expect, test, unique } from './fixtures'
import { picture } from './picture'

test('a page calls PhotoService by gRPC-Web', async ({ page, request }) => {
  const contracts = process.env['E2E_CONTRACTS'] // a FileDescriptorSet; scripts/ let protoc write it
  test.skip(contracts === undefined && process.env['CI'] === undefined, 'started without scripts/')
  const signIn = await request.post('/api/v1/auth/sign-in', { data: ADMIN })
  const { access_token: token } = (await signIn.json()) as { access_token: string }
  const title = unique('By gRPC')

  // Before the page's own scripts: its policy allows no others later.
  await page.addInitScript({ content: await bundled('e2e/browser/photos.ts', 'photos') })
  await page.goto('/sign-in')
  const told = await page.evaluate(
    async (given) =>
      (globalThis as unknown as { photos: typeof browser }).photos.story(
        given.contracts,
        given.token,
        given.picture,
        given.title,
      ),
    {
      contracts: readFileSync(contracts ?? '').toString('base64'),
      token,
      picture: picture(60, 40, title).toString('base64'),
      title,
    },
  )

  expect(told.created).toMatchObject({ title, width: 60, height: 40, contentType: 'image/png' })
  expect(told.found).toEqual(told.created)
  expect(told.total).toBe('1')
  expect(told.requestId).toBe(true)
  expect(told.watched).toMatchObject({ kind: 'KIND_UPDATED', photo: { width: 60 } })
  expect(told.missing.code).toBe('NotFound')
  expect(told.missing.message).toContain('not found')
  expect(told.missing.details).toContain('google.rpc.ErrorInfo')
  expect(told.stranger).toBe('Unauthenticated')
})

/** A module and what it imports as one script, which puts its exports into a global name. */
async function bundled(entry: string, name: string): Promise<string> {
  const built = await build({
    configFile: false,
    logLevel: 'error',
    build: { write: false, lib: { entry, name, formats: ['iife'] } },
  })
  const [bundle] = (Array.isArray(built) ? built : [built]) as Rolldown.RolldownOutput[]
  return `${bundle?.output[0].code}\nglobalThis.${name} = ${name}`
}
