import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { documentNames, jsonSchemaOf, kindNames, openApp } from '../src/app.ts'
import { type Code, codes } from '../src/base/codes.ts'
import { mends } from '../src/base/mends.ts'
import { commands, groups } from './helpers/commands.ts'
import { project } from './helpers/project.ts'
import { runCli } from './helpers/run-cli.ts'

/** Pages that are made from the code; a test fails when they are not what the code says (UPDATE_DOCS=1 writes them). */
const pages: Readonly<Record<string, () => Promise<string>>> = {
  commands: commandsPage,
  files: async () => `# Files of a project\n\n${kindNames.map((kind) => schemaSection(kind)).join('\n')}`,
  tasks: tasksPage,
  documents: async () =>
    `# JSON documents\n\nWhat \`--json\` prints. Fields are only ever added. \`iqtask schema NAME\` prints the JSON Schema.\n\n${documentNames.map((name) => schemaSection(name)).join('\n')}`,
  codes: async () =>
    `# Codes\n\n| code | means | mend |\n|---|---|---|\n${(Object.keys(codes) as Code[])
      .map((code) => `| ${code} | ${cell(codes[code])} | ${cell(mends[code])} |\n`)
      .join('')}`,
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ')

async function commandsPage(): Promise<string> {
  const lines = [
    '',
    ...commands.map((c) => c.name),
    ...groups.flatMap((g) => [g.name, ...g.commands.map((c) => `${g.name} ${c.name}`)]),
  ]
  const parts = await Promise.all(
    lines.sort().map(async (line) => {
      const { stdout } = await runCli([...line.split(' ').filter((word) => word !== ''), '--help'], { cwd: '/' })
      return `## ${`iqtask ${line}`.trimEnd()}\n\n\`\`\`\n${stdout.trimEnd()}\n\`\`\`\n`
    }),
  )
  return `# Commands\n\n${parts.join('\n')}`
}

interface Schema {
  readonly type?: string | readonly string[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly items?: Schema
  readonly anyOf?: readonly Schema[]
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly default?: unknown
  readonly required?: readonly string[]
}

function schemaSection(name: string): string {
  const schema = jsonSchemaOf(name) as Schema
  const id = schema.properties?.schema?.const
  return `## ${name}\n\n${id === undefined ? '' : `\`${String(id)}\`\n\n`}${propertyTable(schema)}`
}

function propertyTable(schema: Schema): string {
  const rows = Object.entries(schema.properties ?? {}).map(([name, one]) => {
    const needed = schema.required?.includes(name) === true && one.default === undefined ? 'required' : ''
    const fallback = one.default === undefined ? needed : `\`${cell(JSON.stringify(one.default))}\``
    return `| \`${name}\` | ${cell(typeOf(one))} | ${fallback} |`
  })
  return `| key | type | default |\n|---|---|---|\n${rows.join('\n')}\n`
}

function typeOf(schema: Schema): string {
  if (schema.const !== undefined) return JSON.stringify(schema.const)
  if (schema.enum !== undefined) return schema.enum.map((one) => JSON.stringify(one)).join(' \\| ')
  if (schema.anyOf !== undefined) return [...new Set(schema.anyOf.map(typeOf))].join(' or ')
  if (schema.type === 'array') return `list of ${schema.items === undefined ? 'anything' : typeOf(schema.items)}`
  if (schema.properties !== undefined) return `{ ${Object.keys(schema.properties).join(', ')} }`
  return [schema.type ?? 'anything'].flat().join(' or ')
}

async function tasksPage(): Promise<string> {
  const app = await openApp({ cwd: project({ 'iqtask.config.yaml': 'timeZone: UTC\n' }), env: {} })
  try {
    const parts = app.executors.names.map((name) => {
      const { summary, arguments: schema, counts } = app.executors.get(name)
      const shape = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Schema
      const counted = Object.entries(counts).map(([count, means]) => `| \`${count}\` | ${cell(means)} |\n`)
      return `## ${name}\n\n${summary}.\n\n${propertyTable(shape)}\n| count | means |\n|---|---|\n${counted.join('')}`
    })
    return `# Executors\n\nWhat a task's \`executor:\` may name, with its arguments and the counts of its results.\n\n${parts.join('\n')}`
  } finally {
    await app.close()
  }
}

it.each(Object.keys(pages))('docs/reference/%s.md is what the code says (UPDATE_DOCS=1 writes it)', async (name) => {
  const file = join(import.meta.dirname, `../docs/reference/${name}.md`)
  const text = (await pages[name]?.()) ?? ''
  if (process.env.UPDATE_DOCS === '1') {
    mkdirSync(join(file, '..'), { recursive: true })
    writeFileSync(file, text)
  }
  expect(readFileSync(file, 'utf8')).toBe(text)
})
