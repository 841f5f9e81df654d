import { describe, expect, it } from 'vitest'
import { type App, openApp } from '../../src/app.ts'
import { isBefore } from '../../src/model/cursor.ts'
import type { TaskResultDocument } from '../../src/model/documents.ts'
import type { RunRequest } from '../../src/task/run-request.ts'
import { project, write } from '../helpers/project.ts'

const application = (attributes = '', connection = '') => ({
  'iqtask.config.yaml': 'timeZone: UTC\n',
  'applications/crm.yaml': `kind: Application
name: crm
connector: delimited
connection: { file: ../crm.csv, cursor: changed, evidence: { minRows: 1 }${connection} }
account:
  nativeIdentity: id
${attributes}`,
})

interface Bench {
  readonly app: App
  readonly cwd: string
  read(rows: string, set?: Record<string, string>, more?: Partial<RunRequest>): Promise<TaskResultDocument>
  names(): string[]
}
const delta = { deltaAggregation: 'true' }

async function bench(files: Record<string, string> = application()): Promise<Bench> {
  const cwd = project(files)
  const app = await openApp({ cwd, env: {} })
  return {
    app,
    cwd,
    async read(rows, set = {}, more = {}) {
      write(cwd, { 'crm.csv': `id,name,changed\n${rows}` })
      // definitions may have changed
      const fresh = await openApp({ cwd, env: {} })
      try {
        return await fresh.run({ task: 'aggregation', trigger: 'manual', set, ...more })
      } finally {
        await fresh.close()
      }
    },
    names: () =>
      [...app.store().accounts.find({})].map((a) => `${a.nativeIdentity} ${String(a.attributes.name)} ${a.state}`),
  }
}

describe('a delta of a file', () => {
  it('takes what changed since the last token, keeps the token, and takes nothing for missing', async () => {
    const { read, names } = await bench()
    const full = await read('1,a,2026-01-01\n2,b,2026-01-03\n3,c,2026-01-02\n', delta)
    expect(full).toMatchObject({ status: 'success', counts: { created: 3, filtered: 0 } })
    expect(full.messages).toMatchObject([
      { code: 'IQ2009', text: expect.stringContaining('nothing was read before') as string },
    ])
    expect(full.sections[0]).toMatchObject({ token: '2026-01-03', evidence: { level: 'complete' } })
    // 1 changed without saying so: not looked at; 3 is not there any more: nothing to conclude
    const next = await read('1,A,2026-01-01\n2,b,2026-01-03\n4,d,2026-02-01\n', delta)
    expect(next.counts).toMatchObject({
      read: 3,
      filtered: 1,
      unchanged: 1,
      created: 1,
      changed: 0,
      missing: 0,
      gone: 0,
    })
    expect(next.sections[0]).toMatchObject({
      token: '2026-02-01',
      evidence: { level: 'partial', reason: 'delta since 2026-01-03' },
    })
    expect(names()).toEqual(['1 a active', '2 b active', '3 c active', '4 d active'])
    // a full read finds all of it, and the next delta starts after it
    const again = await read('1,A,2026-01-01\n2,b,2026-03-03\n4,d,2026-02-01\n')
    expect(again.counts).toMatchObject({ changed: 2, missing: 1, gone: 1 })
    expect((await read('1,A,2026-01-01\n2,b,2026-03-03\n', delta)).counts).toMatchObject({
      filtered: 1,
      unchanged: 1,
      gone: 0,
    })
  })

  it('reads what does not say when it changed, and never moves the token back', async () => {
    const { read } = await bench()
    await read('1,a,5\n')
    const result = await read('1,a,5\n2,b,\n3,c,4\n', delta)
    expect(result.counts).toMatchObject({ filtered: 1, created: 1, unchanged: 1 })
    expect(result.sections[0]?.token).toBe('5')
    const old = await read('2,b,\n3,c,4\n', delta)
    expect(old.sections[0]?.token).toBe('5')
  })

  it('becomes a full read when the definition changed, or a run was taken back with its token', async () => {
    const { read, app, cwd } = await bench()
    await read('1,a,1\n')
    const second = await read('1,a,1\n2,b,2\n', delta)
    expect(second.messages).toEqual([])
    const undone = await app.run({ task: 'undo', trigger: 'manual', set: { result: second.id } })
    expect(undone.status).toBe('success')
    const id = app.store().applications.idOf('crm') ?? 0
    expect(app.store().applications.readState(id)).toMatchObject({
      fullReadNeeded: true,
      token: expect.stringContaining('"1"') as string,
    })
    const third = await read('1,a,1\n2,b,2\n3,c,0\n', delta)
    expect(third.messages).toMatchObject([{ code: 'IQ2009', text: expect.stringContaining('taken back') as string }])
    expect(third.counts).toMatchObject({ created: 2, filtered: 0 })
    expect((await read('1,a,1\n2,b,2\n3,c,0\n', delta)).counts).toMatchObject({ filtered: 2, unchanged: 1 })
    write(cwd, application(`  attributes: { site: { expr: "'x'" } }\n`))
    const fourth = await read('1,a,1\n2,b,2\n3,c,0\n', delta)
    expect(fourth.messages).toMatchObject([{ text: expect.stringContaining('its definition changed') as string }])
    expect(fourth.counts).toMatchObject({ changed: 3 })
  })

  it('keeps the token when the read was not whole: --limit, --only, a cut file', async () => {
    const { read } = await bench(application('', ', quote: "\'"'))
    await read('1,a,1\n')
    const tokens: unknown[] = []
    for (const [rows, more] of [
      ['1,a,1\n2,b,7\n', { limit: 1 }],
      ['1,a,1\n2,b,7\n', { only: 'account.name == "a"' }],
      ["1,a,1\n2,b,7\n3,'c", {}],
    ] as const)
      tokens.push((await read(rows, delta, more)).sections[0]?.token)
    expect(tokens).toEqual(['1', '1', '1'])
  })

  it('compares dates by their format, numbers by size and large ones exactly', async () => {
    const { read } = await bench(application('  attributes: { changed: { type: date, format: dd.MM.yyyy } }\n'))
    expect((await read('1,a,31.01.2026\n2,b,01.02.2026\n')).sections[0]?.token).toBe('2026-02-01')
    expect((await read('1,a,31.01.2026\n2,b,01.02.2026\n', delta)).counts).toMatchObject({ filtered: 1, unchanged: 1 })
    expect(isBefore('9', '10')).toBe(true)
    expect(isBefore('90071992547409931', '90071992547409932')).toBe(true)
    expect(isBefore('1.5', '1.25')).toBe(false)
    expect(isBefore('2026-01-31', '2026-02-01T00:00:00.000Z')).toBe(true)
    expect(isBefore('2026-01-31', '2026-01-31')).toBe(false)
  })

  it('is refused where a part cannot be told from the whole, with the place', async () => {
    const refused = async (files: Record<string, string>): Promise<string> => {
      const { read } = await bench({ ...application(), ...files })
      const result = await read('1,a,1\n', delta)
      expect(result.status).toBe('error')
      expect(result.messages.at(-1)?.code).toMatch(/IQ1111|IQ2003/)
      return result.messages.at(-1)?.text ?? ''
    }
    const file = application()['applications/crm.yaml']
    expect(await refused({ 'applications/crm.yaml': file.replace(' cursor: changed,', '') })).toContain(
      'needs the column',
    )
    expect(await refused({ 'applications/crm.yaml': file.replace('cursor', 'merge: true, cursor') })).toContain(
      'merge or grants',
    )
    expect(await refused({ 'applications/crm.yaml': file.replace('cursor: changed', 'cursor: chagned') })).toMatch(
      /has no column "chagned", the cursor of crm.*did you mean changed/,
    )
  })
})
