// Every fault at every call: `npm run faults` prints what came of it; `--json` gives the figures.
import { calls, disturb, faults, openFaultBench } from '../test/faults/harness.ts'
import { machineHas } from '../test/helpers/machine.ts'

const json = process.argv.includes('--json')
if (!machineHas('strace')) process.exit(1)
const bench = openFaultBench()
const figures: { id: string; value: string; goal: string; verdict: 'met' | 'missed' }[] = []
for (const fault of faults)
  for (const forever of fault === 'SIGKILL' ? [false] : [false, true]) {
    let points = 0
    let fired = 0
    const wrong: string[] = []
    for (const call of calls)
      for (let n = 1; n <= bench.counts[call]; n++) {
        const outcome = disturb(bench, call, n, fault, forever)
        points++
        if (outcome.fired) fired++
        if (outcome.wrong !== undefined) wrong.push(`${call} ${n}: ${outcome.wrong}`)
      }
    const id = `${fault}${forever ? ' for ever' : ' once'}`
    figures.push({
      id,
      value: `${points} points, ${fired} fired, ${wrong.length} wrong`,
      goal: 'every point fired, none wrong',
      verdict: wrong.length === 0 && fired === points ? 'met' : 'missed',
    })
    for (const line of wrong.slice(0, 20)) console.error(`${id}  ${line}`)
  }
bench.close()
if (json) console.log(JSON.stringify({ figures }, null, 2))
else for (const { id, value, verdict } of figures) console.log(`${verdict === 'met' ? '✔' : '✖'} ${id}: ${value}`)
process.exitCode = figures.every((figure) => figure.verdict === 'met') ? 0 : 1
