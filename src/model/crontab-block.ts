import { UserError } from '../base/errors.ts'
import { parseCron } from './cron-fields.ts'

/** Our lines in somebody else's table. */
export interface CrontabBlock {
  readonly before: string
  /** Ours, markers included; undefined where there is none. */
  readonly text: string | undefined
  readonly after: string
}

const longestLine = 900
const endOf = (id: string): string => `# <<< iqtask ${id} <<<`
const printable = (text: string): string => text.replace(/[^ -~]|%/g, ' ')

/** The block with its markers. Only fixed words, ids and paths get into it: what people write into titles never does. */
export function renderBlock(id: string, project: string, lines: readonly string[]): string {
  const name = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(project) ? ` ${project}` : ''
  return `${[`# >>> iqtask ${id}${name} — managed: iqtask schedule … >>>`, ...lines, endOf(id)].join('\n')}\n`
}

export const commentLine = (text: string): string => `# ${printable(text)}`.slice(0, 200)

/** Finds the block: its markers exact, balanced, once. @throws UserError IQ5007 when they are not */
export function findBlock(table: string, id: string): CrontabBlock {
  const refuse = (why: string): never => {
    throw new UserError(`the crontab's block of this project cannot be told: ${why}`, {
      code: 'IQ5007',
      hint: `mend the lines with "iqtask ${id}" by hand (crontab -e); nothing was changed`,
    })
  }
  const begin = new RegExp(`^# >>> iqtask ${id}(?: [A-Za-z0-9._-]+)? [^\\n]*managed: iqtask schedule [^\\n]*>>>$`)
  const starts: number[] = []
  const ends: number[] = []
  let offset = 0
  for (const line of table.split('\n')) {
    if (begin.test(line)) starts.push(offset)
    else if (line === endOf(id)) ends.push(offset + line.length + 1)
    else if (line.includes(`>>> iqtask ${id}`) || line.includes(`<<< iqtask ${id}`)) refuse('a marker was changed')
    offset += line.length + 1
  }
  const [start] = starts
  const [end] = ends
  if (start === undefined && end === undefined) return { before: '', text: undefined, after: table }
  if (start === undefined || end === undefined) return refuse('one of its two markers is missing')
  if (starts.length > 1 || ends.length > 1) refuse('it is there more than once')
  if (end < start) refuse('its end stands before its beginning')
  return { before: table.slice(0, start), text: table.slice(start, end), after: table.slice(end) }
}

/**
 * The table with the block in its place; a new one goes to the top, where no variable of the others (SHELL, CRON_TZ) is in force, and the
 * end of the table stays as it is.
 */
export function withBlock(table: string, id: string, block: string | undefined): string {
  const { before, after } = findBlock(table, id)
  return before + (block ?? '') + after
}

/** What `diff` shows: lines that would go and lines that would come; none when nothing differs. */
export function diffBlocks(now: string | undefined, wanted: string | undefined): string[] {
  if (now === wanted) return []
  const lines = (text: string | undefined): string[] => (text === undefined ? [] : text.trimEnd().split('\n'))
  const [old, fresh] = [lines(now), lines(wanted)]
  return [
    ...old.map((line) => (fresh.includes(line) ? `  ${line}` : `- ${line}`)),
    ...fresh.filter((line) => !old.includes(line)).map((line) => `+ ${line}`),
  ]
}

/** A path as a word of /bin/sh. @throws UserError IQ5008 when a crontab cannot hold it */
export function quotePath(path: string): string {
  if (/^[A-Za-z0-9/._-]+$/.test(path)) return path
  if (/[%\u0000-\u001f\u007f]/.test(path))
    throw new UserError(`the path ${JSON.stringify(path)} holds a character that a crontab takes for a newline`, {
      code: 'IQ5008',
      hint: 'rename the folder',
    })
  return `'${path.replaceAll("'", `'\\''`)}'`
}

/** Every line is one that any cron takes as it is meant. @throws UserError IQ5008 */
export function checkLines(lines: readonly string[]): void {
  for (const line of lines) {
    const refuse = (why: string): never => {
      throw new UserError(`the line cannot be written into a crontab: ${why}: ${line.slice(0, 120)}`, {
        code: 'IQ5008',
        hint: 'shorter paths, without % and control characters',
      })
    }
    if (Buffer.byteLength(line) > longestLine)
      refuse(`it has ${Buffer.byteLength(line)} bytes, ${longestLine} are safe`)
    if (/[%\u0000-\u001f\u007f]/.test(line)) refuse('it holds a % or a control character')
    if (line.startsWith('#') || line.startsWith('@reboot ')) continue
    parseCron(line.split(' ').slice(0, 5).join(' '))
  }
}
