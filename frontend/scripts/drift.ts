/** Fails when src/api/generated is not what openapi.json gives: someone edited it, or forgot `npm run gen`. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '..')
const COMMITTED = join(ROOT, 'src/api/generated')
const fresh = mkdtempSync(join(tmpdir(), 'generated-'))

try {
  const cli = join(ROOT, 'node_modules/@hey-api/openapi-ts/bin/run.js')
  execFileSync(process.execPath, [cli], { cwd: ROOT, env: { ...process.env, GENERATED: fresh }, stdio: 'pipe' })
  const committed = read(COMMITTED)
  const generated = read(fresh)
  const names = new Set([...committed.keys(), ...generated.keys()])
  const drifted = [...names].filter((name) => committed.get(name) !== generated.get(name)).toSorted()
  if (drifted.length > 0) {
    console.error(`src/api/generated differs from what openapi.json gives; run \`npm run gen\`:\n${drifted.join('\n')}`)
    process.exitCode = 1
  }
} finally {
  rmSync(fresh, { recursive: true })
}

/** Path inside the folder -> text. */
function read(folder: string): Map<string, string> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  const files = names.filter((name) => statSync(join(folder, name)).isFile())
  return new Map(files.map((name) => [name, readFileSync(join(folder, name), 'utf8')]))
}
