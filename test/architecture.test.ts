import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '..')
const src = join(root, 'src')

/** What a room may import, `root` being the files directly in src/. */
const rooms: Readonly<Record<string, readonly string[]>> = {
  base: [],
  model: ['base'],
  config: ['base', 'model'],
  store: ['base', 'model'],
  connectors: ['base', 'model'],
  notify: ['base', 'model'],
  task: ['base', 'model', 'store', 'connectors', 'notify'],
  executors: ['base', 'model', 'store', 'connectors', 'task'],
  root: ['base', 'model', 'config', 'store', 'connectors', 'notify', 'task', 'executors'],
  cli: ['root', 'base', 'model'],
}
/** Rooms that may be looked at only through types. */
const typesOnly: Readonly<Record<string, readonly string[]>> = {
  task: ['connectors'],
  executors: ['store', 'connectors'],
}
/** Packages that live in one place only. */
const packages: Readonly<Record<string, RegExp>> = {
  '@marcbachmann/cel-js': /^model\/expression/,
  re2js: /^model\/expression/,
  yaml: /^(config|cli)\//,
  cosmiconfig: /^config\/load/,
  kysely: /^store\//,
  'better-sqlite3': /^store\/sqlite\//,
  nodemailer: /^notify\/smtp/,
  '@opentelemetry/resources': /^notify\/telemetry/,
  '@opentelemetry/sdk-trace': /^notify\/telemetry/,
  '@opentelemetry/sdk-metrics': /^notify\/telemetry/,
  '@opentelemetry/api': /^notify\/telemetry/,
  '@opentelemetry/exporter-trace-otlp-http': /^notify\/telemetry/,
  '@opentelemetry/exporter-metrics-otlp-http': /^notify\/telemetry/,
  croner: /^task\/schedule/,
  cronstrue: /^describe-pattern/,
  commander: /^cli\//,
  chalk: /^cli\/render\//,
  ora: /^cli\/progress/,
  // wherever a schema is declared
  zod: /./,
}

interface Import {
  readonly file: string
  readonly target: string
  readonly type: boolean
}

const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
const texts = new Map(files.map((file) => [file, readFileSync(join(src, file), 'utf8')]))
const imports: Import[] = [...texts].flatMap(([file, text]) =>
  [
    ...text.matchAll(/(?:^|\n)\s*(?:import|export)\s+(type\s+)?(?:[^'";]*?\sfrom\s+)?'([^']+)'|import\('([^']+)'\)/g),
  ].map((match) => ({
    file,
    target: match[2] ?? match[3] ?? '',
    type: match[1] !== undefined,
  })),
)
const roomOf = (file: string): string => (file.includes('/') ? (file.split('/')[0] ?? '') : 'root')
const inside = ({ file, target }: Import): string => relative(src, resolve(src, dirname(file), target))
const local = imports.filter(({ target }) => target.startsWith('.'))
const code = (text: string): string =>
  text.replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, '').replace(/'(?:[^'\\\n]|\\.)*'/g, "''")

describe('the house', () => {
  it('is looked at as a whole', () => {
    expect(files.length).toBeGreaterThan(60)
    expect(local.length).toBeGreaterThan(150)
    expect(new Set(files.map(roomOf))).toEqual(new Set(Object.keys(rooms)))
  })

  it('has rooms that import only rooms below them', () => {
    const wrong = local.filter((one) => {
      const [from, to] = [roomOf(one.file), roomOf(inside(one))]
      if (from === to) return false
      return !(rooms[from] ?? []).includes(to) || (typesOnly[from]?.includes(to) === true && !one.type)
    })
    expect(wrong).toEqual([])
  })

  it('has no import cycles', () => {
    const edges = new Map(
      files.map((file) => [file, local.filter((one) => one.file === file && !one.type).map(inside)]),
    )
    const state = new Map<string, 'open' | 'done'>()
    const cycles: string[] = []
    const visit = (file: string, path: readonly string[]): void => {
      if (state.get(file) === 'open') cycles.push([...path.slice(path.indexOf(file)), file].join(' → '))
      if (state.has(file)) return
      state.set(file, 'open')
      for (const next of edges.get(file) ?? []) visit(next, [...path, file])
      state.set(file, 'done')
    }
    for (const file of files) visit(file, [])
    expect(cycles).toEqual([])
  })

  it('keeps each package where it lives', () => {
    const wrong = imports.filter(({ file, target }) => {
      if (target.startsWith('.') || target.startsWith('node:')) return false
      const name = target
        .split('/')
        .slice(0, target.startsWith('@') ? 2 : 1)
        .join('/')
      return packages[name]?.test(file) !== true
    })
    expect(wrong).toEqual([])
  })

  it('takes the time from the clock, ends in one place, prints in one place, and speaks SQL in the store', () => {
    const where = (pattern: RegExp): string[] =>
      [...texts].filter(([, text]) => pattern.test(code(text))).map(([file]) => file)
    expect(where(/\bDate\.now\(|new Date\(\)|performance\.now\(/).sort()).toEqual(['base/clock.ts', 'cli/progress.ts'])
    expect(where(/\bprocess\.exit\(/)).toEqual(['cli/commands/run.ts'])
    expect(where(/\bprocess\.(stdout|stderr)\b/)).toEqual(['cli/main.ts'])
    expect(where(/\bconsole\./)).toEqual([])
    const sql =
      /['"`]\s*(select\s.+\sfrom\s|insert\s+(or\s+\w+\s+)?into\s|update\s+\w+(\.\w+)?\s+set\s|delete\s+from\s)/i
    const speaking = [...texts].filter(([, text]) => sql.test(text)).map(([file]) => file)
    expect(speaking.filter((file) => roomOf(file) !== 'store')).toEqual([])
  })

  it('has no file of more than 300 lines', () => {
    expect([...texts].filter(([, text]) => text.split('\n').length > 300).map(([file]) => file)).toEqual([])
  })
})
