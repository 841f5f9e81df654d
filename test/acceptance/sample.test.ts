import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { generate } from '../../scripts/example/generate.ts'
import type { ListDocument, TaskResultDocument } from '../../src/model/documents.ts'
import { digestOf } from '../helpers/digest.ts'
import { project } from '../helpers/project.ts'
import { runCli } from '../helpers/run-cli.ts'

const example = join(import.meta.dirname, '../../examples/organisation')

describe('the sample organisation', () => {
  it('is what its generator makes, byte for byte', () => {
    for (const [path, content] of generate()) expect(readFileSync(join(example, path)).equals(content), path).toBe(true)
  })

  it('gives the counts that were planted, per application and in sum; a second run changes nothing', async () => {
    const cwd = join(project(), 'example')
    expect((await runCli(['init', cwd, '--example'], { cwd: '/' })).code).toBe(0)
    expect((await runCli('config validate', { cwd })).stdout).toContain('nothing wrong')
    const first = JSON.parse((await runCli('run aggregation --json', { cwd })).stdout) as TaskResultDocument
    const planted = JSON.parse(readFileSync(join(cwd, 'planted.json'), 'utf8')) as {
      sections: Record<string, Record<string, number>>
      total: Record<string, number>
    }
    expect(Object.fromEntries(first.sections.map((section) => [section.application, section.counts]))).toEqual(
      planted.sections,
    )
    expect(first.counts).toEqual(planted.total)
    expect(first).toMatchObject({ status: 'warning', exitCode: 3 })
    for (const { counts: c } of first.sections)
      expect(c.read).toBe(sum(c, ['filtered', 'rejected', 'created', 'changed', 'unchanged', 'returned', 'renamed']))

    const digest = digestOf(cwd)
    const second = JSON.parse((await runCli('run aggregation --json', { cwd })).stdout) as TaskResultDocument
    expect(second.counts).toMatchObject({
      created: 0,
      changed: 0,
      gone: 0,
      missing: 0,
      grantsAdded: 0,
      grantsEnded: 0,
      identitiesCreated: 0,
    })
    expect(second.counts.unchanged).toBe(first.counts.created)
    expect(digestOf(cwd)).toBe(digest)
    const list = JSON.parse((await runCli('results --json', { cwd })).stdout) as ListDocument<TaskResultDocument>
    expect(list.items.map((item) => item.id)).toEqual([second.id, first.id])
  })

  it('explains every bad row: file, line and reason', async () => {
    const cwd = join(project(), 'example')
    await runCli(['init', cwd, '--example'], { cwd: '/' })
    await runCli('run aggregation', { cwd })
    const { stdout } = await runCli('results failures --items --json', { cwd })
    const { items } = JSON.parse(stdout) as { items: { code: string; line: number; file: string; reason: string }[] }
    expect(items).toHaveLength(15)
    expect(items.every((item) => item.line > 1 && item.reason !== '' && item.file.startsWith(cwd))).toBe(true)
    expect(new Set(items.map((item) => item.code))).toEqual(
      new Set(['IQ2101', 'IQ2102', 'IQ2103', 'IQ2104', 'IQ2106', 'IQ2107']),
    )
  })
})

const sum = (counts: Readonly<Record<string, number>>, names: readonly string[]): number =>
  names.reduce((total, name) => total + (counts[name] ?? 0), 0)
