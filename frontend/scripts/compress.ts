/** Writes .br and .gz beside every text file of dist, so that the server never compresses while serving. */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'

const DIST = join(import.meta.dirname, '../dist')
const COMPRESSIBLE = /\.(js|css|html|svg|txt|json)$/
const WORTHWHILE = 512 // bytes; below, the headers outweigh the gain

for (const name of readdirSync(DIST, { recursive: true, encoding: 'utf8' })) {
  const path = join(DIST, name)
  if (!COMPRESSIBLE.test(name) || !statSync(path).isFile()) continue
  const plain = readFileSync(path)
  if (plain.length < WORTHWHILE) continue
  keepIfSmaller(`${path}.gz`, gzipSync(plain, { level: 9 }), plain)
  keepIfSmaller(`${path}.br`, brotliCompressSync(plain, brotliOptions(plain)), plain)
}

function keepIfSmaller(path: string, packed: Buffer, plain: Buffer): void {
  if (packed.length < plain.length) writeFileSync(path, packed)
}

function brotliOptions(plain: Buffer) {
  return { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: plain.length } }
}
