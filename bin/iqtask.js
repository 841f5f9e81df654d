#!/usr/bin/env node
// Checks the version of Node, then hands over to dist; written for any Node, so that an old one can still say what is wrong.
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import * as nodeModule from 'node:module'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { setFlagsFromString } from 'node:v8'

const wanted = [22, 18]
const [major, minor] = process.versions.node.split('.').map(Number)
const here = dirname(fileURLToPath(import.meta.url))
const entry = join(here, '..', 'dist', 'main.js')

if (major > wanted[0] || (major === wanted[0] && minor >= wanted[1])) await start()
else reexecute()

async function start() {
  if (!existsSync(entry)) {
    console.error(`iqtask is not built yet: run "npm run setup" in ${join(here, '..')}`)
    process.exitCode = 2
    return
  }
  // a run makes millions of small objects that die at once: room for more of them costs memory and saves no time
  setFlagsFromString('--semi-space-growth-factor=1')
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'iqtask')
  try {
    mkdirSync(cache, { recursive: true, mode: 0o700 })
    nodeModule.enableCompileCache?.(cache)
  } catch {
    // slower, not wrong
  }
  const { runProcess } = await import(entry)
  await runProcess()
}

/** The pinned runtime beside the package, or hoisted above it. */
function reexecute() {
  let folder = join(here, '..')
  let runtime
  for (;;) {
    const candidate = join(folder, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
    if (existsSync(candidate)) runtime = candidate
    if (runtime || dirname(folder) === folder) break
    folder = dirname(folder)
  }
  if (!runtime) {
    console.error(
      `iqtask needs Node ${wanted.join('.')} or newer, this is ${process.versions.node}: install one, for example "npm install -g node@24"`,
    )
    process.exitCode = 2
    return
  }
  const child = spawn(runtime, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' })
  // a terminal sends Ctrl-C to both: the child decides what it means
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
    process.on(signal, () => signal !== 'SIGINT' && child.kill(signal))
  child.on('exit', (code, signal) => {
    if (signal) {
      process.removeAllListeners(signal)
      process.kill(process.pid, signal)
    } else process.exitCode = code
  })
}
