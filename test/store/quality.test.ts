import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import type { TaskResultDocument } from '../../src/model/documents.ts'
import { confusableNames, type Quality } from '../../src/model/quality.ts'
import { openStore } from '../../src/store/open.ts'
import { project, smallOrganisation, write } from '../helpers/project.ts'
import { runCli } from '../helpers/run-cli.ts'

const people = (rows: number, row: (n: number) => string): string =>
  `id,name,mail,state,start\n${Array.from({ length: rows }, (_, n) => `${row(n + 1)}\n`).join('')}`
const application = `${smallOrganisation['applications/hr.yaml'].replace('account:', 'account:\n  displayName: name')}`

async function qualityOf(csv: string): Promise<{ hr: Quality; shown: string }> {
  const cwd = project({ ...smallOrganisation, 'applications/hr.yaml': application, 'hr.csv': csv })
  const { stdout } = await runCli('run aggregation --set applications=hr --json', { cwd })
  const { quality } = JSON.parse(stdout) as TaskResultDocument
  return { hr: (quality as unknown as { hr: Quality }).hr, shown: (await runCli('results show', { cwd })).stdout }
}

describe('the quality of the data', () => {
  it('stands in the result of every run, with what is remarkable', async () => {
    const odd: Readonly<Record<number, string>> = {
      1: '1,Ada Ost,shared@example.com,active,0012-01-01',
      2: '2,Аda Ost,shared@example.com,active,2020-01-01', // a Cyrillic A
      3: '3,Bo,bo@example.com,active,',
    }
    const { hr, shown } = await qualityOf(
      people(40, (n) => odd[n] ?? `${n},Person ${n}x,p${n}@example.com,active,2020-01-01`),
    )
    expect(hr).toEqual({
      accounts: 40,
      sampled: 40,
      empty: { start: 0.025 },
      sharedKeys: [{ attribute: 'mail', count: 1, first: ['shared@example.com'] }],
      datesBeyondReason: [{ attribute: 'start', count: 1, first: [expect.stringMatching(/^0012-01-01/)] }],
      confusableNames: [['Ada Ost', 'Аda Ost']],
    })
    expect(shown).toMatch(
      /quality {2}hr: 1 × start beyond reason: "0012-01-01.*mail shared: "shared@example.com".*start empty in 2.5 %/,
    )
  })

  it('is that of the run before only where nothing came between and nothing changed', async () => {
    const csv = people(30, (n) => `${n},Person ${n},p${n}@example.com,active,2020-01-01`)
    const cwd = project({ ...smallOrganisation, 'applications/hr.yaml': application, 'hr.csv': csv })
    const run = async (): Promise<Quality> => {
      const { stdout } = await runCli('run aggregation --set applications=hr --json', { cwd })
      return (JSON.parse(stdout) as { quality: { hr: Quality } }).quality.hr
    }
    const told = await run()
    // what the last result says is taken over, whatever it is
    const store = openStore({ path: join(cwd, 'var/iqtask.db'), clock: systemClock })
    store.db.write(() => store.db.exec(`update task_result set quality = json_set(quality, '$.hr.sampled', 7)`))
    store.close()
    expect(await run()).toEqual({ ...told, sampled: 7 })
    // one account changes
    write(cwd, { 'hr.csv': csv.replace('p3@', 'p4@') })
    expect(await run()).toEqual({
      ...told,
      sharedKeys: [{ attribute: 'mail', count: 1, first: ['p4@example.com'] }],
    })
    // an undo, of which the next run says nothing
    await runCli('undo aggregation@latest', { cwd })
    expect((await run()).sharedKeys).toHaveLength(1)
    await runCli('undo aggregation@latest', { cwd })
    write(cwd, { 'hr.csv': csv })
    expect(await run()).toEqual(told)
  })

  it('is nothing remarkable where nothing is', async () => {
    const { hr, shown } = await qualityOf(people(30, (n) => `${n},Person ${n}x,p${n}@example.com,active,2020-01-01`))
    expect(hr).toMatchObject({ empty: {}, sharedKeys: [], datesBeyondReason: [], confusableNames: [] })
    expect(shown).toContain('quality  hr: nothing remarkable\n')
  })

  it('is told of an even sample where there are many accounts', async () => {
    const { hr, shown } = await qualityOf(
      people(12_000, (n) => `${n},Person ${n},p${n}@example.com,${n % 4 === 0 ? '' : 'active'},2020-01-01`),
    )
    expect(hr.accounts).toBe(12_000)
    expect(hr.sampled).toBe(4_000)
    expect(Math.abs((hr.empty.state ?? 0) - 0.25)).toBeLessThan(0.05)
    expect(shown).toContain('(4,000 of 12,000 accounts looked at)')
  })

  it('is left out of a dry run, and of a run that failed', async () => {
    const cwd = project(smallOrganisation)
    const dry = JSON.parse((await runCli('run aggregation --dry-run --json', { cwd })).stdout) as TaskResultDocument
    expect(dry.quality).toBe(null)
    write(cwd, { 'hr.csv': '' })
    const failed = JSON.parse((await runCli('run aggregation --json', { cwd })).stdout) as TaskResultDocument
    expect([failed.status, failed.quality]).toEqual(['error', null])
  })
})

describe('names that look the same', () => {
  it.each([
    [['José Pérez', 'Jose Perez'], true],
    [['Ο. Nagy', 'O. Nagy'], true],
    [['B0b Ost', 'Bob Ost'], true],
    [['Ada  Ost', 'Ada Ost'], true],
    [['Ada Ost', 'Ada Ost'], false],
    [['Ada Ost', 'Eva Ost'], false],
  ])('%j: %s', (names, confusable) => {
    expect(confusableNames(names).length > 0).toBe(confusable)
  })
})
