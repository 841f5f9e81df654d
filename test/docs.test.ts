import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { project } from './helpers/project.ts'
import { runCli } from './helpers/run-cli.ts'

const docs = join(import.meta.dirname, '../docs')
const pages = readdirSync(docs).filter((name) => name.endsWith('.md') && name !== 'README.md')

interface Step {
  /** A file that the page shows, and writes. */
  readonly file?: string
  readonly text: string
}

/** Fenced blocks: `file=PATH` is written, `console` holds commands; the others are only shown. */
function stepsOf(page: string): Step[] {
  const blocks = readFileSync(join(docs, page), 'utf8').matchAll(/^```(\w+)(?: file=(\S+))?\n(.*?)^```$/gms)
  return [...blocks].flatMap(([, language, file, text = '']) =>
    file !== undefined ? [{ file, text }] : language === 'console' ? [{ text }] : [],
  )
}

async function command(line: string, cwd: string): Promise<string> {
  const [, words = '', expected] = /^\$ (.*?)(?:\s+# exit (\d+))?$/.exec(line) ?? []
  if (words.startsWith('cd ')) return join(cwd, words.slice(3))
  const { code, stdout, stderr } = await runCli(words.replace(/^iqtask /, ''), { cwd })
  const allowed = expected === undefined ? [0, 3] : [Number(expected)]
  expect(allowed, `${line}\n${stdout}${stderr}`).toContain(code)
  return cwd
}

describe.each(pages)('docs/%s', (page) => {
  it('shows only what works, in this order', async () => {
    let cwd = project()
    const steps = stepsOf(page)
    // a page that makes no project of its own stands in the sample, after its first run
    if (!steps.some((step) => step.text.includes('$ iqtask init'))) {
      await runCli('init . --example', { cwd })
      await runCli('run aggregation', { cwd })
    }
    let commands = 0
    for (const { file, text } of steps) {
      if (file !== undefined) {
        mkdirSync(dirname(join(cwd, file)), { recursive: true })
        writeFileSync(join(cwd, file), text)
      } else
        for (const line of text.trim().split('\n')) {
          cwd = await command(line, cwd)
          commands++
        }
    }
    expect(commands).toBeGreaterThan(1)
  })
})

it('every file that a page wants written has its name above it, where a reader sees it', () => {
  for (const page of pages) {
    const text = readFileSync(join(docs, page), 'utf8')
    for (const { index, 1: file } of text.matchAll(/^```\w+ file=(\S+)$/gm)) {
      const above = text.slice(0, index).trimEnd().split('\n').at(-1)
      expect(above, `${page}: ${file}`).toContain(`\`${file}\``)
    }
  }
})

it('every command line stands in a block that runs', () => {
  for (const page of pages) {
    const text = readFileSync(join(docs, page), 'utf8')
    const run = stepsOf(page).flatMap(({ file, text: lines }) => (file === undefined ? lines.split('\n') : []))
    expect(
      run.filter((line) => line.startsWith('$ iqtask')),
      page,
    ).toEqual(text.match(/^\$ iqtask.*$/gm))
  }
})

it('links of the documentation lead somewhere', () => {
  for (const page of [...pages, 'README.md'])
    for (const [, target = ''] of readFileSync(join(docs, page), 'utf8').matchAll(/\]\(([^)#]+)\)/g))
      expect(() => readFileSync(join(docs, target)), `${page}: ${target}`).not.toThrow()
})
