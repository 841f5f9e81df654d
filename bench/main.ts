// Ratios against a yardstick in the same run: `npm run bench -- [SUITE…] [--small|--large] [--rows N] [--json] [--write]`.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { aggregation } from './aggregation.ts'
import type { Suite } from './figure.ts'
import { nights } from './nights.ts'
import { type Judged, judged, machine, markdown, sentence } from './report.ts'
import { schedule } from './schedule.ts'
import { startUp } from './start-up.ts'
import { streaming } from './streaming.ts'

/** One file a suite in this folder, one word here. */
const suites: readonly Suite[] = [startUp, schedule, streaming, aggregation, nights]

const flag = { type: 'boolean', default: false } as const
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { small: flag, large: flag, json: flag, write: flag, rows: { type: 'string' } },
})
const unknown = positionals.find((name) => !suites.some((suite) => suite.name === name))
if (unknown !== undefined)
  throw new Error(`no suite "${unknown}"; there are ${suites.map((suite) => suite.name).join(', ')}`)

const { small, large } = values
const rows = values.rows === undefined ? undefined : Number(values.rows)
const figures: Judged[] = []
for (const suite of suites.filter(({ name }) => positionals.length === 0 || positionals.includes(name)))
  for (const figure of await suite.run({ small, large, rows })) {
    const done = judged(suite.name, figure, small)
    figures.push(done)
    if (!values.json) console.log(sentence(done))
  }
const results = { machine: machine(), figures }
if (values.json) console.log(JSON.stringify(results, null, 2))
if (values.write) {
  // suites that did not run keep what they came to
  const path = join(import.meta.dirname, 'results.json')
  const before = JSON.parse(readFileSync(path, 'utf8')) as { figures: Judged[] }
  results.figures = suites.flatMap(({ name }) => {
    const now = figures.filter(({ suite }) => suite === name)
    return now.length > 0 ? now : before.figures.filter(({ suite }) => suite === name)
  })
  writeFileSync(path, `${JSON.stringify(results, null, 2)}\n`)
  writeFileSync(join(import.meta.dirname, 'results.md'), markdown(results))
}
process.exitCode = figures.every((figure) => figure.verdict !== 'missed') ? 0 : 1
