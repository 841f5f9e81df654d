// Bundles the command line into dist/: fewer files to open at start-up. better-sqlite3 stays outside, it is native.
import { existsSync, rmSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const entries = { main: `${root}src/cli/main.ts`, index: `${root}src/index.ts`, 'wake-up': `${root}src/wake-up.ts` }

/**
 * Node's own modules are loaded when something of them is first used: `node:child_process` alone takes longer than the rest of a start.
 * Bundled imports look into what `require` gave and, not finding it there, into its prototype.
 */
const lazily = (name) => `module.exports = Object.create(new Proxy({}, {
  get(_, key, importer) {
    const value = process.getBuiltinModule('node:${name}')[key]
    Object.defineProperty(importer, key, { value })
    return value
  },
}))`

/** `process`, and modules that are a class: `class Relay extends Stream` wants the very one. */
const isUsedItself = (name) => name === 'process' || typeof process.getBuiltinModule(name) === 'function'

const builtins = {
  name: 'builtins',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /.*/ }, ({ path, kind }) =>
      isBuiltin(path) && kind === 'import-statement'
        ? { path: path.replace(/^node:/, ''), namespace: 'node' }
        : undefined,
    )
    onLoad({ filter: /.*/, namespace: 'node' }, ({ path }) => ({
      contents: isUsedItself(path) ? `module.exports = process.getBuiltinModule('node:${path}')` : lazily(path),
    }))
  },
}

rmSync(`${root}dist`, { recursive: true, force: true })
await build({
  entryPoints: Object.fromEntries(Object.entries(entries).filter(([, file]) => existsSync(file))),
  outdir: `${root}dist`,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node22',
  // names stay, for the stack of a bug
  minifyWhitespace: true,
  minifySyntax: true,
  external: ['better-sqlite3'],
  plugins: [builtins],
  banner: {
    js: "const require = process.getBuiltinModule('node:module').createRequire(import.meta.url);",
  },
  logLevel: 'warning',
})
// the process of a project's executor: its zod and that of the executor are one
await build({
  entryPoints: ['host', 'api'].map((name) => `${root}src/executor-${name}.ts`),
  outdir: `${root}dist`,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node22',
  external: ['zod'],
  logLevel: 'warning',
})
