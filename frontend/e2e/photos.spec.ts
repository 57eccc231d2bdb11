import { card, expect, signIn, test, unique, upload } from './fixtures'
import { picture } from './picture'

test('a photo is uploaded, found, edited and deleted', async ({ page }) => {
  const title = unique('Harbour')
  const better = unique('Lighthouse')
  await signIn(page)

  await upload(page, title)
  await expect(card(page, title).getByRole('img')).toBeVisible()
  await expect(card(page, title).locator('img')).toHaveJSProperty('complete', true)

  await page.getByRole('searchbox').fill(title)
  await expect(page).toHaveURL(/q=Harbour/)
  await expect(page.getByTestId('photo')).toHaveCount(1)

  await card(page, title).getByRole('button').click()
  await page.getByRole('menuitem', { name: 'Edit' }).click()
  const dialog = page.getByRole('dialog', { name: 'Edit photo' })
  await dialog.getByLabel('Title').fill(better)
  await dialog.getByLabel('Description').fill('Seen from the ferry')
  await dialog.getByRole('button', { name: 'Save changes' }).click()
  await expect(dialog).toBeHidden()
  await page.getByRole('searchbox').fill('Seen from the ferry')
  await expect(card(page, better)).toBeVisible()

  await page.getByRole('searchbox').fill(better)
  await expect(page.getByTestId('photo')).toHaveCount(1)
  await card(page, better).getByRole('button').click()
  await page.getByRole('menuitem', { name: 'Delete' }).click()
  const question = page.getByRole('dialog', { name: 'Delete this photo?' })
  await question.getByRole('button', { name: 'Cancel' }).click()
  await expect(card(page, better)).toBeVisible()
  await card(page, better).getByRole('button').click()
  await page.getByRole('menuitem', { name: 'Delete' }).click()
  await question.getByRole('button', { name: 'Delete' }).click()
  await expect(card(page, better)).toHaveCount(0)
  await expect(page.getByRole('heading', { name: /Nothing matches/ })).toBeVisible()
  await page.getByRole('button', { name: 'Show all photos' }).click()
  await expect(page).toHaveURL(/\/photos$/)
})

test('a photo dropped on the page is uploaded', async ({ page }) => {
  const title = unique('Dropped')
  await signIn(page)
  const bytes = picture(64, 64, title).toString('base64')
  const files = await page.evaluateHandle(
    async (file) => {
      const transfer = new DataTransfer()
      const raw = Uint8Array.from(atob(file.bytes), (letter) => letter.charCodeAt(0))
      transfer.items.add(new File([raw], file.name, { type: 'image/png' }))
      return transfer
    },
    { bytes, name: `${title}.png` },
  )
  await page.dispatchEvent('main', 'dragenter', { dataTransfer: files })
  await expect(page.getByText('Drop photos to upload')).toBeVisible()
  await page.dispatchEvent('main', 'drop', { dataTransfer: files })
  await expect(page.getByText('Drop photos to upload')).toBeHidden()
  await expect(card(page, title)).toBeVisible()
})

test('a file that is no picture is refused, before sending and by the server', async ({ page, faults }) => {
  faults.allow(400)
  faults.allow(415)
  await signIn(page)
  await page.getByTestId('picker').setInputFiles([
    { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('words') },
    { name: 'disguised.jpg', mimeType: 'image/jpeg', buffer: Buffer.from('words') },
  ])
  const tray = page.getByTestId('uploads')
  await expect(tray.getByRole('listitem').filter({ hasText: 'notes.txt' })).toContainText('Not a JPEG')
  await expect(tray.getByRole('button', { name: 'Try disguised.jpg again' })).toBeVisible()
  await expect(tray.getByRole('status')).toHaveText('2 photos were not uploaded')
})

test('photos are sorted, and the order stays in the address', async ({ page }) => {
  const mark = unique('Sorted')
  await signIn(page)
  await upload(page, `B ${mark}`, `A ${mark}`)
  await page.getByRole('searchbox').fill(mark)
  await expect(page.getByTestId('photo')).toHaveCount(2)
  await page.getByRole('combobox', { name: 'Sort by' }).selectOption('title')
  await expect(page.getByTestId('photo').first()).toContainText(`A ${mark}`)
  await page.getByRole('combobox', { name: 'Sort by' }).selectOption('-title')
  await expect(page.getByTestId('photo').first()).toContainText(`B ${mark}`)
  await expect(page).toHaveURL(/sort=-title/)
  await page.goBack()
  await expect(page.getByTestId('photo').first()).toContainText(`A ${mark}`)
})

test('a photo opens large under its own address and is left by Escape', async ({ page }) => {
  const title = unique('Opened')
  await signIn(page)
  await upload(page, title)
  await card(page, title).getByRole('link').click()
  await expect(page).toHaveURL(/\/photos\/\d+$/)
  const viewer = page.getByRole('dialog', { name: title })
  await expect(viewer.locator('img')).toBeVisible()
  await expect(viewer).toContainText('320 × 240')
  await page.reload()
  await expect(viewer).toBeVisible()
  await page.keyboard.press('Escape')
  await expect(viewer).toBeHidden()
  await expect(page).toHaveURL(/\/photos$/)
})

test('a photo that is not there is said to be missing', async ({ page, faults }) => {
  faults.allow(404)
  await signIn(page, '/photos/999999999')
  await expect(page.getByRole('heading', { name: 'This photo is not here' }).last()).toBeVisible()
  await page.getByRole('button', { name: 'Show all photos' }).click()
  await expect(page).toHaveURL(/\/photos$/)
})

test('the whole gallery works from the keyboard', { tag: '@keyboard' }, async ({ page }) => {
  const title = unique('Typed')
  await signIn(page)
  await upload(page, title)
  await page.getByRole('searchbox').focus()
  await page.keyboard.type(title)
  await expect(page.getByTestId('photo')).toHaveCount(1)
  const more = page.getByRole('button', { name: `Actions for ${title}` })
  while (!(await more.evaluate((element) => element === document.activeElement))) await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('menuitem', { name: 'Edit' })).toBeVisible()
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('End')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('button', { name: 'Cancel' })).toBeFocused()
  await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  await expect(page.getByTestId('photo')).toHaveCount(0)
})

test('what changes elsewhere is shown as it happens', async ({ page, context }) => {
  const [before, after] = [unique('Elsewhere'), unique('Renamed')]
  await signIn(page)
  const other = await context.newPage()
  const line = other.waitForEvent('websocket')
  await other.goto('/photos?sort=-created_at')
  await expect(other.locator('main h1')).toBeVisible()
  await line
  await upload(page, before)
  await expect(card(other, before)).toBeVisible()
  await card(page, before).getByRole('button').click()
  await page.getByRole('menuitem', { name: 'Edit' }).click()
  await page.getByLabel('Title').fill(after)
  await page.getByRole('button', { name: 'Save' }).click()
  await expect(card(other, after)).toBeVisible()
  await expect(card(other, before)).toHaveCount(0)
})
