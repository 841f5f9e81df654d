// The reliability figures, measured: `npm run faults -- [F1 F4 …] [--sample | --all] [--json] [--out FILE]`.
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import type { Size } from '../test/faults/figure.ts'
import { figures } from '../test/faults/figures.ts'
import { buildTool } from '../test/faults/tool.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    sample: { type: 'boolean' },
    all: { type: 'boolean' },
    json: { type: 'boolean' },
    out: { type: 'string' },
  },
})
const size: Size = values.all === true ? 'all' : values.sample === true ? 'sample' : 'usual'
const unknown = positionals.find((id) => !figures.some((figure) => figure.id === id))
if (unknown !== undefined) throw new Error(`no figure ${unknown}; there are ${figures.map((one) => one.id).join(', ')}`)

const rows: {
  id: string
  what: string
  value: string
  goal: string
  verdict: 'met' | 'missed' | 'not possible here'
}[] = []
const tool = await buildTool()
for (const { id, what, goal, possible, measure } of figures) {
  if (positionals.length > 0 && !positionals.includes(id)) continue
  if (possible?.() === false) {
    rows.push({ id, what, value: '–', goal, verdict: 'not possible here' })
    continue
  }
  const { value, wrong } = await measure(tool, size)
  const verdict = wrong.length === 0 ? 'met' : 'missed'
  rows.push({ id, what, value, goal, verdict })
  if (values.json !== true) console.log(`${verdict === 'met' ? '✔' : '✖'} ${id}  ${what}: ${value}`)
  for (const line of wrong.slice(0, 20)) console.error(`    ${line}`)
}
tool.close()
const document = `${JSON.stringify({ size, figures: rows }, null, 2)}\n`
if (values.json === true) process.stdout.write(document)
if (values.out !== undefined) writeFileSync(values.out, document)
process.exitCode = rows.every((row) => row.verdict === 'met') ? 0 : 1
