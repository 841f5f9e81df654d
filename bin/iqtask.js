#!/usr/bin/env node
// Checks the version of Node, then hands over to dist; written for any Node, so that an old one can still say what is wrong.

// Nothing is imported that a start does not need: Node's own modules cost a millisecond and more each.
const wanted = [22, 18]
const [major, minor] = process.versions.node.split('.').map(Number)

if (major > wanted[0] || (major === wanted[0] && minor >= wanted[1])) await start()
else await reexecute()

async function start() {
  const { existsSync, mkdirSync } = process.getBuiltinModule('node:fs')
  const entry = new URL('../dist/main.js', import.meta.url)
  if (!existsSync(entry)) {
    console.error(`iqtask is not built yet: run "npm run setup" in ${import.meta.dirname}/..`)
    process.exitCode = 2
    return
  }
  try {
    const cache = process.env.XDG_CACHE_HOME || `${process.getBuiltinModule('node:os').homedir()}/.cache`
    mkdirSync(`${cache}/iqtask`, { recursive: true, mode: 0o700 })
    process.getBuiltinModule('node:module').enableCompileCache(`${cache}/iqtask`)
  } catch {
    // slower, not wrong
  }
  // a wake-up that comes too early is the commonest start of all, and costs next to nothing
  if (process.argv[3] === 'fire') {
    const { comesTooEarly } = await import(new URL('../dist/wake-up.js', import.meta.url).href)
    if (comesTooEarly(process.argv.slice(2), process.env, process.cwd())) return
  }
  const { runProcess } = await import(entry.href)
  await runProcess()
}

/** The pinned runtime beside the package, or hoisted above it. */
async function reexecute() {
  const { spawn } = await import('node:child_process')
  const { existsSync } = await import('node:fs')
  const { dirname, join } = await import('node:path')
  const { fileURLToPath } = await import('node:url')
  let folder = join(dirname(fileURLToPath(import.meta.url)), '..')
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
