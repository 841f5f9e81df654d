import { grouped } from '../base/plural.ts'
import type { ColumnFacts } from './column-profile.ts'
import type { AttributeProposal, CorrelationCandidate, ProfileFacts, Proposal } from './profile-proposal.ts'

export interface ProfileSource {
  /** The application's name. */
  readonly name: string
  readonly connector: string
  /** As the application's file names it. */
  readonly file: string
  /** What the connector says of the file: encoding, separator, columns. */
  readonly described: string
}

const percent = (part: number, whole: number): string => `${whole === 0 ? 0 : ((100 * part) / whole).toFixed(1)} %`
/** A rule that finds fewer than this share of the rows that have a value is only mentioned. */
const ruleShare = 0.5
/** A column that fewer rows have is about something else. */
const filledShare = 0.1

/** The application's file, each proposal with what it stands on; what the data do not settle stands as a comment. */
export function renderProfile(source: ProfileSource, facts: ProfileFacts, proposal: Proposal): string {
  const { rows, rejected, columns } = facts
  const lines = [
    `# Proposed from ${grouped(rows)} rows with ${columns.length} columns${rejected === 0 ? '' : ` (${grouped(rejected)} rows could not be read)`}. Read every line before you trust it.`,
    'kind: Application',
    `name: ${source.name}`,
    '# authoritative: true            # when this system says who exists: it then creates identities',
    `connector: ${source.connector}`,
    ...connectionLines(source, facts, proposal),
    'account:',
    ...keyLines(facts, proposal),
    ...plainLines(facts, proposal),
    ...attributeLines(columns, proposal.attributes),
    ...correlationLines(facts, proposal.correlation),
  ]
  return `${lines.join('\n')}\n`
}

function connectionLines(source: ProfileSource, { columns, encoding }: ProfileFacts, { merge }: Proposal): string[] {
  const settings = [
    `file: ${scalar(source.file)}`,
    ...(encoding === undefined ? [] : [`encoding: ${encoding}`]),
    ...(merge ? ['merge: true'] : []),
  ]
  const lines = [note(`connection: { ${settings.join(', ')} }`, source.described)]
  if (columns.some(({ name }) => /^[\d.-]+$/.test(name)))
    lines.push('#   the first line looks like data: without a header write header: false, columns: [the names]')
  return lines
}

const note = (line: string, why: string): string => `${line.padEnd(46)}  # ${why}`

function keyLines({ rows, columns, merge: united }: ProfileFacts, proposal: Proposal): string[] {
  const { key, otherKeys, merge } = proposal
  const others = otherKeys.length === 0 ? '' : `; so ${otherKeys.length === 1 ? 'is' : 'are'}: ${otherKeys.join(', ')}`
  if (key.length === 0)
    return [
      note(
        `  nativeIdentity: ${scalar(columns[0]?.name ?? '')}`,
        'NOT unique, or not in every row: nothing in this file is. Choose, or repeated ids are rejected',
      ),
    ]
  if (merge)
    return [
      note(
        `  nativeIdentity: ${scalar(key[0] ?? '')}`,
        united === undefined || columns.length === 2
          ? `one row an account and value: only both columns together are unique in ${grouped(rows)} rows`
          : `one row an account and value: only with ${united.value} it is unique in ${grouped(rows)} rows; the rows of ${united.disagreeing} of ${grouped(united.accounts)} accounts disagree (they would be rejected)`,
      ),
    ]
  const { empty, repeats } = proposal.keyFaults
  const few = [...(empty === 0 ? [] : [`empty in ${empty}`]), ...(repeats === 0 ? [] : [`given again in ${repeats}`])]
  const what =
    few.length > 0
      ? `${few.join(', ')} (they would be rejected)`
      : key.length === 1
        ? 'unique and never empty'
        : 'unique together and never empty'
  const shown = key.length === 1 ? scalar(key[0] ?? '') : `[${key.map(scalar).join(', ')}]`
  return [note(`  nativeIdentity: ${shown}`, `${what} in ${grouped(rows)} rows${others}`)]
}

function plainLines({ columns }: ProfileFacts, proposal: Proposal): string[] {
  const { uuid, displayName, lastLogin, disabled, locked } = proposal
  const lines: string[] = []
  if (uuid !== undefined) lines.push(note(`  uuid: ${scalar(uuid)}`, 'every value is a UUID, none comes twice'))
  if (displayName !== undefined) lines.push(note(`  displayName: ${scalar(displayName)}`, 'by its name'))
  if (lastLogin !== undefined) lines.push(note(`  lastLogin: ${scalar(lastLogin)}`, 'dates, and by its name'))
  if (locked !== undefined) lines.push(note(`  locked: ${scalar(locked)}`, 'true or false, and by its name'))
  if (disabled !== undefined) {
    const value = disabled.expr === undefined ? scalar(disabled.column) : `{ expr: ${JSON.stringify(disabled.expr)} }`
    const found = columns.find((column) => column.name === disabled.column)
    const line = note(`  ${disabled.sure ? '' : '# '}disabled: ${value}`, `values: ${valuesOf(found)}`)
    lines.push(line)
  }
  return lines
}

const valuesOf = (column: ColumnFacts | undefined): string =>
  (column?.values ?? [])
    .slice(0, 8)
    .map(([value, count]) => `${value} ${grouped(count)}`)
    .join(', ')

function attributeLines(columns: readonly ColumnFacts[], attributes: readonly AttributeProposal[]): string[] {
  if (attributes.length === 0) return []
  return ['  attributes:', ...attributes.map((attribute) => attributeLine(attribute, columns))]
}

function attributeLine(attribute: AttributeProposal, columns: readonly ColumnFacts[]): string {
  const { name, type, format, otherFormats, split, multiple, entitlement } = attribute
  const parts = [
    ...(type === 'string' ? [] : [`type: ${type}`]),
    ...(format === undefined ? [] : [`format: ${scalar(format)}`]),
    ...(multiple ? ['multiple: true'] : []),
    ...(split === undefined ? [] : [`split: ${JSON.stringify(split)}`]),
    ...(entitlement ? ['entitlement: true'] : []),
  ]
  const facts = columns.find((column) => column.name === name)
  const filled = facts === undefined ? '' : `filled in ${percent(facts.filled, facts.rows)}`
  const list = facts?.list
  const why = [
    filled,
    ...(type === 'date' && (facts?.undated ?? 0) > 0 ? [`${facts?.undated} values are no such date`] : []),
    ...(otherFormats.length === 0 ? [] : [`${otherFormats.join(', ')} fit as well: the values do not tell`]),
    ...(list === undefined ? [] : [`${grouped(list.distinct)} different values`]),
    ...(multiple && !entitlement ? ['entitlement: true, if these are groups or permissions'] : []),
  ]
  return note(`    ${scalar(name)}: { ${parts.join(', ')} }`, why.filter((part) => part !== '').join('; '))
}

/** The rules that find most first; what finds too few is only told. */
function correlationLines(facts: ProfileFacts, candidates: readonly CorrelationCandidate[]): string[] {
  if (candidates.length === 0) return ['# correlation: no column matches an identity of the store']
  const sorted = [...candidates].sort((a, b) => b.one / b.filled - a.one / a.filled)
  const lines = sorted.map((candidate) => ({
    active: candidate.one / candidate.filled >= ruleShare && doubtAbout(facts, candidate) === '',
    text: note(
      `  - { account: ${scalar(candidate.account)}, identity: ${candidate.identity}${candidate.ignoreCase ? ', ignoreCase: true' : ''}${candidate.leadingZeros ? ', normalize: leadingZeros' : ''} }`,
      `finds one identity for ${percent(candidate.one, candidate.filled)} of ${grouped(candidate.filled)} values${candidate.several === 0 ? '' : `, several for ${percent(candidate.several, candidate.filled)}`}${doubtAbout(facts, candidate)}`,
    ),
  }))
  const some = lines.some((line) => line.active)
  return [some ? 'correlation:' : '# correlation:', ...lines.map(({ active, text }) => (active ? text : `#${text}`))]
}

/** A value that many rows share, or few have, is not the account's own. */
function doubtAbout({ columns, merge }: ProfileFacts, { account }: CorrelationCandidate): string {
  const column = columns.find(({ name }) => name === account)
  // of an account with several rows each has it
  const expected = Math.min(column?.filled ?? 0, merge?.accounts ?? Number.POSITIVE_INFINITY)
  if (column?.repeats === undefined || column.filled - column.repeats < expected * 0.9)
    return '; but its values repeat: a manager or owner perhaps'
  if (column.filled < column.rows * filledShare)
    return `; but only ${percent(column.filled, column.rows)} of the rows have one: a manager or owner perhaps`
  return ''
}

const scalar = (text: string): string =>
  /^[A-Za-z_./][\w./-]*$/.test(text) && !/^(true|false|null|yes|no|on|off|y|n)$/i.test(text)
    ? text
    : JSON.stringify(text)
