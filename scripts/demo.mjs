// The main job on the embedded store and the sample data: a project is made in demo/, aggregated, and looked at.
import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const demo = `${root}demo`

/** Runs iqtask in a folder; the exit codes named are what is expected. */
function iqtask(folder, args, expected) {
  console.log(`\n$ iqtask ${args.join(' ')}`)
  const done = spawnSync(process.execPath, [`${root}bin/iqtask.js`, ...args], { cwd: folder, stdio: 'inherit' })
  if (expected.includes(done.status)) return true
  console.error(`the demo failed: iqtask ${args.join(' ')} ended with ${done.status ?? done.signal}`)
  process.exitCode = 1
  return false
}

rmSync(demo, { recursive: true, force: true })
// 3: the task did its work, and left the planted faults aside
const done =
  iqtask(root, ['init', 'demo', '--example'], [0]) &&
  iqtask(demo, ['run', 'aggregation'], [3]) &&
  iqtask(demo, ['results', 'failures'], [0]) &&
  iqtask(demo, ['run', 'aggregation'], [3]) &&
  iqtask(demo, ['results'], [0])
if (done) {
  console.log(`
The second run changed nothing. What to type next:
  cd demo
  npx iqtask account find --uncorrelated     accounts that belong to nobody
  npx iqtask identity find ada               people
  npx iqtask results show                    what the last run did, and why it warned
  cp nights/2/* data/                        the feeds of the next night, and run again`)
}
