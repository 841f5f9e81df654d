import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  checkLines,
  commentLine,
  diffBlocks,
  findBlock,
  quotePath,
  renderBlock,
  withBlock,
} from '../../src/model/crontab-block.ts'

const id = '7f3a9c2e'
const block = renderBlock(id, 'payroll-iam', ['30 2 * * * /n /e schedule fire a/b --project /p'])

const foreignLine = fc.oneof(
  fc.constantFrom(
    '# m h dom mon dow command',
    'MAILTO=ops@example.com',
    'SHELL=/bin/zsh',
    'CRON_TZ=Asia/Tokyo',
    '',
    '0 5 * * * /bin/backup 100\\% done\r',
    '@reboot /bin/true',
    '# >>> iqtask 00000000 other — managed: iqtask schedule … >>>',
    '# <<< iqtask 00000000 <<<',
    '# >>> puppet >>>',
    `${'x'.repeat(1_100)}`,
    '\t30 2 * * 1-5\techo "é ü"',
  ),
  fc.string({ unit: 'binary-ascii' }).map((text) => text.replaceAll('\n', '')),
)
const foreign = fc
  .tuple(fc.array(foreignLine, { maxLength: 30 }), fc.boolean())
  .map(([lines, end]) => lines.join('\n') + (end ? '\n' : ''))

describe('the block in a crontab', () => {
  it('goes in and out of any foreign table without a byte of the others moving', () => {
    fc.assert(
      fc.property(foreign, (table) => {
        const there = withBlock(table, id, block)
        expect(findBlock(there, id).text).toBe(block)
        const { before, after } = findBlock(there, id)
        expect(before + after).toBe(table)
        expect(withBlock(there, id, undefined)).toBe(table)
        const other = renderBlock(id, 'renamed', [])
        expect(withBlock(withBlock(there, id, other), id, undefined)).toBe(table)
      }),
      { numRuns: 200 },
    )
  })

  it('survives in a table of a thousand lines, and among lines that came later', () => {
    const table = Array.from({ length: 1_000 }, (_, i) => `${i % 60} * * * * /bin/job ${i}\n`).join('')
    const later = `0 0 * * * /bin/first\n${withBlock(table, id, block)}0 1 * * * /bin/last`
    expect(withBlock(later, id, undefined)).toBe(`0 0 * * * /bin/first\n${table}0 1 * * * /bin/last`)
  })

  it.each([
    ['without its end', block.replace(`# <<< iqtask ${id} <<<\n`, '')],
    ['without its beginning', block.split('\n').slice(1).join('\n')],
    ['twice', block + block],
    ['upside down', block.trimEnd().split('\n').reverse().join('\n')],
    ['with a changed marker', block.replace('managed:', 'mine:')],
    ['with CRLF', block.replaceAll('\n', '\r\n')],
  ])('is refused %s, and nothing is changed', (_, table) => {
    expect(() => withBlock(`0 5 * * * /bin/x\n${table}`, id, block)).toThrow(
      expect.objectContaining({ code: 'IQ5007' }),
    )
  })

  it('shows what would change', () => {
    expect(diffBlocks(block, block)).toEqual([])
    const shown = diffBlocks(block, block.replace('30 2', '45 2'))
    expect(shown.filter((line) => /^[-+]/.test(line))).toEqual([
      '- 30 2 * * * /n /e schedule fire a/b --project /p',
      '+ 45 2 * * * /n /e schedule fire a/b --project /p',
    ])
  })

  it('holds nothing that people wrote into names', () => {
    for (const name of ['a\n* * * * * touch x', 'a%b', '$(x)', '`x`', 'x'.repeat(2_000), 'a\u2028b', 'a b'])
      expect(renderBlock(id, name, []).split('\n')[0]).toBe(`# >>> iqtask ${id} — managed: iqtask schedule … >>>`)
    expect(commentLine('a\n* * * * * touch x\r%')).toBe('# a * * * * * touch x  ')
  })
})

describe('a path in a line', () => {
  it.each([
    ['/opt/iqtask/bin', '/opt/iqtask/bin'],
    ['/opt/my tools', "'/opt/my tools'"],
    ["/opt/o'brien", "'/opt/o'\\''brien'"],
    ['/opt/$(touch x)', "'/opt/$(touch x)'"],
    ['/opt/`x`"\\', "'/opt/`x`\"\\'"],
  ])('%s is a word of the shell', (path, word) => {
    expect(quotePath(path)).toBe(word)
  })

  it.each(['/a%b', '/a\nb', '/a\rb', '/a\0b'])('%j is refused', (path) => {
    expect(() => quotePath(path)).toThrow(expect.objectContaining({ code: 'IQ5008' }))
  })

  it('that makes a line too long is refused', () => {
    expect(() => checkLines([`0 2 * * * ${'/x'.repeat(1_000)}`])).toThrow('900 are safe')
    expect(() => checkLines(['0 2 * * 8 /x'])).toThrow('weekday')
  })
})
