// Ratios against a yardstick in the same run: `npm run bench [SUITE…] [-- --small|--large|--json]`.
import { cpus } from 'node:os'
import type { Figure, Suite } from './figure.ts'
import { startUp } from './start-up.ts'

/** One file a suite in this folder, one word here. */
const suites: readonly Suite[] = [startUp]

const words = process.argv.slice(2)
const flags = new Set(words.filter((word) => word.startsWith('--')))
const names = words.filter((word) => !word.startsWith('--'))
const chosen = suites.filter((suite) => names.length === 0 || names.includes(suite.name))
const unknown = names.find((name) => !suites.some((suite) => suite.name === name))
if (unknown !== undefined)
  throw new Error(`no suite "${unknown}"; there are ${suites.map((suite) => suite.name).join(', ')}`)

/** A small run only looks for orders of magnitude: its sizes are too small for the goals. */
const slack = flags.has('--small') ? 10 : 1
const verdictOf = (figure: Figure): 'met' | 'missed' => (figure.value <= figure.goal * slack ? 'met' : 'missed')
const figures: (Figure & { suite: string; verdict: string })[] = []
for (const suite of chosen)
  for (const figure of await suite.run({ small: flags.has('--small'), large: flags.has('--large') })) {
    const verdict = verdictOf(figure)
    figures.push({ suite: suite.name, ...figure, verdict })
    if (!flags.has('--json')) {
      const { what, value, unit, goal, note } = figure
      console.log(`${verdict === 'met' ? '✔' : '✖'} ${what}: ${value} ${unit} (at most ${goal})  ${note}`)
    }
  }
const machine = {
  cpu: cpus()[0]?.model ?? '?',
  cores: cpus().length,
  node: process.version,
  at: new Date().toISOString(),
}
if (flags.has('--json')) console.log(JSON.stringify({ machine, figures }, null, 2))
process.exitCode = figures.every((figure) => figure.verdict === 'met') ? 0 : 1
