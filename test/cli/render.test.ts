import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { describe, expect, it } from 'vitest'
import type { RejectRecord } from '../../src/app.ts'
import { groupRejects } from '../../src/cli/render/result.ts'
import { renderSections } from '../../src/cli/render/sections.ts'
import { plainStyle } from '../../src/cli/render/style.ts'
import { displayWidth, renderTable, sized, wrapped } from '../../src/cli/render/table.ts'
import { renderCount } from '../../src/cli/render/values.ts'
import type { TaskResultDocument } from '../../src/model/documents.ts'
import { project, smallOrganisation, write } from '../helpers/project.ts'
import { runCli } from '../helpers/run-cli.ts'

const style = plainStyle
const sections = (columns: number): string[] =>
  renderSections(
    {
      sections: [
        { application: 'hr', correlation: null, counts: { read: 48_211, created: 132, gone: 9, rejected: 12 } },
        { application: '人事', correlation: null, counts: { read: 7, created: 0, rejected: 0, grantsAdded: 3 } },
      ],
    } as unknown as TaskResultDocument,
    style,
    columns,
  )

describe('the sections of a result', () => {
  it('have each count in its own column, wide characters included', () => {
    expect(sections(120)).toEqual([
      '  hr    48,211 read    132 created    9 gone    12 rejected',
      '  人事       7 read      0 created               0 rejected',
      '        3 grants added',
    ])
  })

  it('wrap where the terminal is narrow, and never run over its edge', () => {
    const lines = sections(32)
    for (const line of lines) expect(displayWidth(line)).toBeLessThanOrEqual(32)
    expect(lines.join('\n')).toContain('12 rejected')
  })
})

describe('text on a terminal', () => {
  it('goes on between words below itself, painted or not, and is left whole where it fits', () => {
    const line = `  \x1b[33m⚠\x1b[39m ad: 人事 accounts carry a key \x1b[2m(IQ2202)\x1b[22m`
    expect(wrapped(line, 80, 4)).toBe(line)
    expect(wrapped(line, 24, 4).split('\n').map(stripVTControlCharacters)).toEqual([
      '  ⚠ ad: 人事 accounts',
      '    carry a key (IQ2202)',
    ])
  })

  it('is as wide as it looks', () => {
    const widths = { abc: 3, 人事: 4, 'e\u0301': 1, '👩‍💻': 2, ｗ: 2, '\u200b': 0, '🇩🇪': 2 }
    for (const [text, width] of Object.entries(widths)) expect([text, displayWidth(text)]).toEqual([text, width])
  })

  it('is cut between characters, never inside one', () => {
    expect(sized('人事システム', 7)).toBe('人事シ…')
    expect(sized('人事システム', 6)).toBe('人事… ')
    expect(sized('e\u0301tude', 4)).toBe('e\u0301tu…')
  })

  it('stays aligned in a table', () => {
    const rows = [{ name: '人事' }, { name: 'e\u0301tude' }, { name: 'x' }]
    const lines = renderTable(rows, [
      { title: 'NAME', value: (row) => row.name },
      { title: 'N', value: () => '1' },
    ]).split('\n')
    expect(new Set(lines.filter((line) => line !== '').map((line) => displayWidth(line)))).toEqual(new Set([8]))
  })

  it('cuts the widest texts where the terminal is narrow, then leaves columns out, and never runs over the edge', () => {
    const rows = [
      { id: '01JD8Q', name: '人事システム aggregation', count: 12, note: 'e\u0301tude and much more text than fits' },
      { id: '01JD8R', name: 'x', count: 48_211, note: '–' },
    ]
    const columns = [
      { title: 'RESULT', value: (row: (typeof rows)[number]) => row.id },
      { title: 'TASK', value: (row: (typeof rows)[number]) => row.name },
      { title: 'READ', align: 'right' as const, value: (row: (typeof rows)[number]) => renderCount(row.count) },
      { title: 'NOTE', value: (row: (typeof rows)[number]) => row.note },
    ]
    expect(renderTable(rows, columns)).toContain('than fits')
    expect(renderTable(rows, columns, 60).split('\n')).toEqual([
      'RESULT  TASK                        READ  NOTE',
      '01JD8Q  人事システム aggregation      12  e\u0301tude and much mo…',
      '01JD8R  x                         48,211  –',
      '',
    ])
    const narrow = renderTable(rows, columns, 30)
    expect(narrow).toContain('01JD8Q  人事システ…       12\n')
    expect(narrow).toContain('… 1 column more')
    // an optional column goes before a text is cut; ids and times are never cut
    const times = { title: 'STARTED', value: () => '2026-11-23 09:12' }
    const optional = { title: 'TRIGGER', optional: true, value: () => 'schedule' }
    const all = [...columns.slice(0, 1), optional, times, ...columns.slice(1)]
    const [head, first] = renderTable(rows, all, 70).split('\n')
    expect(head).not.toContain('TRIGGER')
    expect(first).toMatch(/2026-11-23 09:12 {2}人事シ.*…/)
    const status = { title: 'STATUS', kept: true, value: () => 'warning' }
    const [kept] = renderTable(rows, [...columns.slice(0, 1), times, status, ...columns.slice(1)], 40).split('\n')
    expect(kept).toMatch(/^RESULT +STARTED +STATUS$/)
    expect(renderTable(rows, [...columns.slice(0, 1), times, status], 20)).toMatch(/^RESULT +STATUS\n/)
    for (let width = 8; width <= 100; width++)
      for (const line of renderTable(rows, columns, width).split('\n').slice(0, 3))
        expect([width, displayWidth(line) <= width]).toEqual([width, true])
  })

  it('is as wide as the terminal in a table of a command, and whole in a pipe', async () => {
    const cwd = project({
      ...smallOrganisation,
      'ad.csv': `${smallOrganisation['ad.csv']}${'long'.repeat(40)},,yes,g1\n`,
    })
    await runCli('run aggregation', { cwd })
    expect((await runCli('account find', { cwd })).stdout).toContain('long'.repeat(40))
    const { stdout } = await runCli('account find', { cwd, tty: true })
    for (const line of stdout.split('\n')) expect(displayWidth(line)).toBeLessThanOrEqual(120)
    expect((await runCli('account find --output wide', { cwd, tty: true })).stdout).toContain('long'.repeat(40))
  })

  it('groups the digits of a number', () => {
    expect([0, 999, 1000, 1_234_567, -1000, 1234.5].map(renderCount)).toEqual([
      '0',
      '999',
      '1,000',
      '1,234,567',
      '-1,000',
      '1,234.5',
    ])
  })
})

describe('rejects by cause', () => {
  const reject = (line: number, value: string, file = 'zones.csv') =>
    ({ application: 'badge', code: 'IQ2110', reason: `no account "${value}"`, file, line }) as RejectRecord

  it('have the first lines of the feed in order, whatever the order in which they were found, and the first for a sample', () => {
    const found = [367, 133, 308, 264, 900, 12, 45].map((line) => reject(line, `a${line}`))
    expect(groupRejects(found)).toEqual([
      {
        application: 'badge',
        code: 'IQ2110',
        reason: 'no account "a12"',
        file: 'zones.csv',
        count: 7,
        lines: [12, 45, 133, 264, 308],
      },
    ])
  })

  it('never give the lines of one file as those of another', () => {
    const [cause] = groupRejects([reject(9, 'x', 'a.csv'), reject(2, 'y', 'b.csv'), reject(4, 'z', 'a.csv')])
    expect(cause).toMatchObject({ count: 3, file: 'a.csv', lines: [4, 9], reason: 'no account "z"' })
  })

  it('that differ in more than values are other causes', () => {
    const other = { ...reject(3, 'x'), reason: 'no value' } as RejectRecord
    expect(groupRejects([reject(1, 'x'), other, reject(2, 'y')]).map(({ count }) => count)).toEqual([2, 1])
  })
})

describe('results show', () => {
  it('tells what is other than in the run before and than usual', async () => {
    const cwd = project(smallOrganisation)
    await runCli('run aggregation', { cwd })
    expect((await runCli('results show', { cwd })).stdout).not.toContain('AGAINST')
    await runCli('run aggregation', { cwd })
    const first = JSON.parse((await runCli('results show aggregation@-2 --json', { cwd })).stdout) as { id: string }
    const { stdout } = await runCli('results show', { cwd })
    expect(stdout).toMatch(new RegExp(`AGAINST +NOW +${first.id.slice(0, 12)} +MEDIAN OF 2\n`))
    expect(stdout).toMatch(/ created +0 +9 +0\n/)
    expect(stdout).toContain('median of 1 run ')
    await runCli('run aggregation', { cwd })
    await runCli('run aggregation', { cwd })
    await runCli('run aggregation', { cwd })
    expect((await runCli('results show', { cwd })).stdout).toContain('every count as in the run before')
  })

  it('--html writes one page that is safe and whole, readable only by its owner', async () => {
    const cwd = project(smallOrganisation)
    write(cwd, { 'hr.csv': 'id,name,mail,state,start\n1,Ada,a@example.com,active,<script>alert(1)</script>\n' })
    await runCli('run aggregation', { cwd })
    const { code } = await runCli('results show --html page.html', { cwd })
    expect(code).toBe(0)
    const page = readFileSync(join(cwd, 'page.html'), 'utf8')
    expect(page).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`)
    expect(page).toContain('&#60;script&#62;alert(1)')
    expect(page).not.toMatch(/<script|\bsrc=|href=|url\(/i)
    expect(page).toContain('IQ2104')
    expect(page.trimEnd().endsWith('</html>')).toBe(true)
    expect(statSync(join(cwd, 'page.html')).mode & 0o777).toBe(0o600)
    expect((await runCli('results show --html page.html', { cwd })).code).toBe(2)
  })
})
