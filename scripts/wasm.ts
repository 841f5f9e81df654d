// Compiles what is written in WebAssembly: `npm run wasm` after a change of it. A test holds text and code together.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'
import openWabt from 'wabt'

const text = fileURLToPath(new URL('../src/connectors/delimited/records.wat', import.meta.url))
export const file = text.replace('.wat', '-wasm.ts')

/** The module that holds the code. */
export async function compiled(): Promise<string> {
  const wabt = await openWabt()
  const parsed = wabt.parseWat(text, readFileSync(text, 'utf8'), { simd: true })
  const { buffer } = parsed.toBinary({})
  parsed.destroy()
  const code = Buffer.from(buffer).toString('base64')
  return `/** \`records.wat\`, compiled by \`npm run wasm\`. */\nexport const recordsWasm =\n  '${code}'\n`
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) writeFileSync(file, await compiled())
