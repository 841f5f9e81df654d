// Installs and builds what is missing or out of date. Runs on any Node that npm runs on, before anything is installed.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const lock = createHash('sha256')
  .update(readFileSync(`${root}package-lock.json`))
  .digest('hex')
const stamp = `${root}node_modules/.iqtask-setup`

const run = (command, args) => {
  const done = spawnSync(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] })
  if (done.status !== 0) {
    console.error(`set-up failed: ${command} ${args.join(' ')}`)
    process.exitCode = 1
    return false
  }
  return true
}

// No install scripts: npm would compile better-sqlite3, which ships its binaries, and fail where there is no compiler or no
// network. Only the pinned runtime needs its own.
const install = () =>
  run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']) &&
  run('npm', ['rebuild', 'node', '--loglevel=error'])

const installed = existsSync(stamp) && readFileSync(stamp, 'utf8') === lock
if (installed || install()) {
  if (!installed) writeFileSync(stamp, lock)
  run(`${root}node_modules/.bin/node`, [`${root}scripts/build.mjs`])
}
