/** Fails the build when a page has grown heavier than its budget. Sizes are gzip, as most visitors receive them. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'

interface Chunk {
  file: string
  isEntry?: boolean
  imports?: string[]
  dynamicImports?: string[]
  css?: string[]
}

const KB = 1024
const BUDGET = { signIn: 65 * KB, css: 10 * KB, page: 110 * KB, lazy: 40 * KB }
const DIST = join(import.meta.dirname, '../dist')
const manifest = JSON.parse(readFileSync(join(DIST, '.vite/manifest.json'), 'utf8')) as Record<string, Chunk>

const entry = Object.keys(manifest).find((key) => manifest[key]?.isEntry)
if (!entry) throw new Error('dist/.vite/manifest.json names no entry: run `vite build` first.')

const signIn = withImports([entry])
const layout = 'src/layouts/AppLayout.vue'
const frame = manifest[layout]?.dynamicImports ?? []
const pages = Object.keys(manifest).filter((key) => /^src\/features\/.*Page\.vue$/.test(key))
const faults = [
  ...check('sign-in JS', sum([...signIn].map(fileOf)), BUDGET.signIn),
  ...check('sign-in CSS', sum([...signIn].flatMap(cssOf)), BUDGET.css),
  // First load, in its frame; menus and dialogs come with their first use, each under the budget of a lazy chunk.
  ...pages.flatMap((page) =>
    check(page, sum([...withImports([entry, layout, ...frame, page])].map(fileOf)), BUDGET.page),
  ),
  ...Object.keys(manifest)
    .filter((key) => !signIn.has(key) && fileOf(key).endsWith('.js'))
    .flatMap((key) => check(fileOf(key), gzipSize(fileOf(key)), BUDGET.lazy, true)),
]
if (faults.length > 0) {
  console.error(`Over budget:\n${faults.join('\n')}`)
  process.exitCode = 1
}

function check(name: string, size: number, budget: number, quiet = false): string[] {
  const line = `${(size / KB).toFixed(1).padStart(7)} KB of ${(budget / KB).toFixed(0).padStart(3)}  ${name}`
  if (!quiet) console.log(line)
  return size > budget ? [line] : []
}

/** The chunks that load at once with these. */
function withImports(keys: string[], seen = new Set<string>()): Set<string> {
  for (const key of keys) {
    if (seen.has(key)) continue
    seen.add(key)
    withImports(manifest[key]?.imports ?? [], seen)
  }
  return seen
}

function fileOf(key: string): string {
  return manifest[key]?.file ?? ''
}

function cssOf(key: string): string[] {
  return manifest[key]?.css ?? []
}

function sum(files: string[]): number {
  return [...new Set(files)].reduce((size, file) => size + gzipSize(file), 0)
}

function gzipSize(file: string): number {
  return gzipSync(readFileSync(join(DIST, file)), { level: 9 }).length
}
