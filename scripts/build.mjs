// Bundles the command line into dist/: few files, one for each package, and in them nothing runs before it is asked for.
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const source = `${root}src/`

const packages = Object.keys(JSON.parse(readFileSync(`${root}package.json`, 'utf8')).dependencies)
/** Only its search is used, and that is bundled with what asks for it. */
const isPart = (name) => name === 'cosmiconfig'
/** They are only ever imported at run time. */
const isImportedLate = (name) => /^(ora|nodemailer|@opentelemetry\/.*)$/.test(name)
const vendorFile = (name) => `vendor/${name.replace('/', '-')}`

/**
 * Modules are loaded when something of them is first used: most commands need few, and `node:child_process` alone takes longer than
 * the rest of a start. Bundled imports look into what `require` gave and, not finding it there, into its prototype.
 */
const lazily = (load) => `module.exports = Object.create(new Proxy({}, {
  get(_, key, importer) {
    const value = (${load})[key]
    Object.defineProperty(importer, key, { value })
    return value
  },
}))`

/** `process`, and modules that are a class: `class Relay extends Stream` wants the very one. */
const isUsedItself = (name) => name === 'process' || typeof process.getBuiltinModule(name) === 'function'

/** Where much is imported and little of it used. The bulk path stays as it is written: there each call counts. */
const wires = /\/src\/([^/]+|cli\/.*|(config|store|task|executors|notify)\/[^/]*)\.ts$/

/**
 * Only a part of what the tool can do is the command line itself: it is a file of its own, and what it shares with the rest, because
 * errors are told apart by their class, is another.
 */
const parts = {
  name: 'parts',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /\.ts$/ }, ({ path, importer }) => {
      if (importer.startsWith(`${source}cli/`) && path.endsWith('/app.ts')) return { path: 'app', namespace: 'part' }
      if (/\/base\/[^/]+$/.test(path)) return { path: 'base', namespace: 'part' }
      return undefined
    })
    onLoad({ filter: /.*/, namespace: 'part' }, ({ path }) => ({
      contents: path === 'base' ? lazily(`requireHere('./base.cjs')`) : `module.exports = requireHere('./${path}.cjs')`,
    }))
  },
}

const lazy = {
  name: 'lazy',
  setup({ onResolve, onLoad, resolve }) {
    onResolve({ filter: /.*/ }, async ({ path, kind, importer, resolveDir, pluginData }) => {
      if (packages.includes(path) && path !== 'commander')
        return kind === 'import-statement'
          ? { path, namespace: 'package' }
          : { path: `./${vendorFile(path)}.${isImportedLate(path) ? 'js' : 'cjs'}`, external: true }
      // packages that are bundled themselves: the one module of Node that takes long to load
      if (path.endsWith('fs/promises') && !importer.startsWith(source))
        return { path: 'fs/promises', namespace: 'node-late' }
      if (kind !== 'import-statement' || pluginData === 'found') return undefined
      if (isBuiltin(path)) return { path: path.replace(/^node:/, ''), namespace: 'node' }
      if (!path.startsWith('.') || !wires.test(importer)) return undefined
      const found = await resolve(path, { resolveDir, importer, kind, pluginData: 'found' })
      return { path: found.path, namespace: 'later', errors: found.errors }
    })
    onLoad({ filter: /.*/, namespace: 'package' }, ({ path }) => ({
      // its module is a class
      contents:
        path === 'better-sqlite3'
          ? `module.exports = requireHere('./${vendorFile(path)}.cjs')`
          : lazily(`requireHere('./${vendorFile(path)}.cjs')`),
    }))
    onLoad({ filter: /.*/, namespace: 'later' }, ({ path }) => ({
      contents: lazily(`require(${JSON.stringify(path)})`),
      resolveDir: dirname(path),
    }))
    onLoad({ filter: /.*/, namespace: 'node-late' }, ({ path }) => ({
      contents: `module.exports = new Proxy({}, { get: (_, key) => process.getBuiltinModule('node:${path}')[key] })`,
    }))
    onLoad({ filter: /.*/, namespace: 'node' }, ({ path }) => {
      const load = `process.getBuiltinModule('node:${path}')`
      return { contents: isUsedItself(path) ? `module.exports = ${load}` : lazily(load) }
    })
  },
}

/** Its native part stays where it was installed. */
const nativePart = {
  name: 'native-part',
  setup({ onLoad }) {
    onLoad({ filter: /better-sqlite3\/lib\/binding\.js$/ }, ({ path }) => ({
      contents: readFileSync(path, 'utf8').replaceAll(
        '__dirname',
        `require('path').dirname(require('module').createRequire(__filename).resolve('better-sqlite3'))`,
      ),
    }))
  },
}

const common = {
  outdir: `${root}dist`,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node22',
  // names stay, for the stack of a bug
  minifyWhitespace: true,
  minifySyntax: true,
  logLevel: 'warning',
  // cosmiconfig's YAML reader, which is not asked
  external: ['js-yaml'],
}
const banner = {
  js: "const require = process.getBuiltinModule('node:module').createRequire(import.meta.url), requireHere = require;",
}
const entriesOf = (names) => Object.fromEntries(names.map((name) => [vendorFile(name), name]))

rmSync(`${root}dist`, { recursive: true, force: true })
const own = { ...common, define: { IQTASK_BUILD: JSON.stringify(Date.now().toString(36)) } }
const alone = ['index', 'wake-up'].filter((name) => existsSync(`${source}${name}.ts`))
await build({ ...own, entryPoints: alone.map((name) => `${source}${name}.ts`), plugins: [lazy], banner })
await build({ ...own, entryPoints: [`${source}cli/main.ts`], plugins: [parts, lazy], banner })
await build({
  ...own,
  entryPoints: {
    'reader-thread': `${source}connectors/delimited/reader-thread.ts`,
    'checkpoint-thread': `${source}store/sqlite/checkpoint-thread.ts`,
  },
  plugins: [lazy],
  banner,
})
const required = {
  ...own,
  format: 'cjs',
  outExtension: { '.js': '.cjs' },
  define: { ...own.define, 'import.meta.url': 'hereUrl' },
  banner: { js: "const requireHere = require, hereUrl = require('node:url').pathToFileURL(__filename).href;" },
}
await build({ ...required, entryPoints: [`${source}app.ts`], plugins: [parts, lazy] })
const base = readdirSync(`${source}base`).map((file) => `export * from './${file}'`)
await build({
  ...required,
  stdin: { contents: base.join('\n'), resolveDir: `${source}base`, sourcefile: 'base.ts' },
  outdir: undefined,
  outfile: `${root}dist/base.cjs`,
  plugins: [lazy],
})
const vendored = { ...common, absWorkingDir: root }
await build({ ...vendored, entryPoints: entriesOf(packages.filter(isImportedLate)), splitting: true, banner })
await build({
  ...vendored,
  entryPoints: entriesOf(packages.filter((name) => !isImportedLate(name) && !isPart(name))),
  format: 'cjs',
  outExtension: { '.js': '.cjs' },
  plugins: [nativePart],
})
// the process of a project's executor: its zod and that of the executor are one
await build({
  ...common,
  entryPoints: ['host', 'api'].map((name) => `${root}src/executor-${name}.ts`),
  splitting: true,
  external: ['zod'],
})
