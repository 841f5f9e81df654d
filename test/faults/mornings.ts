import { smallOrganisation } from '../helpers/files.ts'

const header = 'id,name,mail,state,start'
const row = (i: number, given: { name?: string; mail?: string; state?: string } = {}): string => {
  const { name = `Näme ${i}`, mail = `m${i}@example.com`, state = 'active' } = given
  return `${i},${name},${mail},${state},2020-01-01`
}
const file = (rows: readonly string[], first = header): string => `${[first, ...rows].join('\n')}\n`
const numbers = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, n) => from + n)
const whole = file(numbers(0, 200).map((i) => row(i)))

/** 200 people, and evidence enough for accounts to end. */
export const organisation = {
  ...smallOrganisation,
  'applications/hr.yaml': `kind: Application
name: hr
authoritative: true
connector: delimited
connection: { file: ../hr.csv, where: { expr: "row.state != 'test'" }, evidence: { minRows: 1 } }
account:
  nativeIdentity: id
  disabled: { expr: "account.state != 'active'" }
  attributes:
    start: { type: date }
`,
  'hr.csv': whole,
}
const definition = organisation['applications/hr.yaml']

export interface Morning {
  readonly what: string
  readonly files: Readonly<Record<string, string | Buffer>>
  /** The guard or code that must speak. */
  readonly says: string | RegExp
}

/** What a feed may look like on a bad morning (F11, as far as there are connectors for it). */
export const badMornings: readonly Morning[] = [
  { what: 'an empty file', files: { 'hr.csv': '' }, says: 'IQ2002' },
  { what: 'only a header', files: { 'hr.csv': file([]) }, says: 'emptySource' },
  {
    what: 'half of the file, cut at a record',
    files: { 'hr.csv': file(numbers(0, 100).map((i) => row(i))) },
    says: 'shrunkenSource',
  },
  {
    what: 'half of the file, cut inside a record',
    files: { 'hr.csv': whole.slice(0, whole.length / 2) },
    says: 'shrunkenSource',
  },
  {
    what: 'another tenant of the same size',
    files: { 'hr.csv': file(numbers(5000, 5200).map((i) => row(i))) },
    says: 'otherSource',
  },
  {
    what: 'a filter that lets nothing through',
    files: { 'applications/hr.yaml': definition.replace("!= 'test'", "== 'actve'") },
    says: 'emptySource',
  },
  {
    what: 'a renamed key column',
    files: { 'hr.csv': whole.replace('id,', 'employee,') },
    says: /IQ2003|IQ3004|renamedAttributes/,
  },
  {
    what: 'a renamed column that a rule uses',
    files: { 'hr.csv': whole.replace(',start', ',begin') },
    says: 'renamedAttributes',
  },
  {
    what: 'columns shifted by one',
    files: { 'hr.csv': file(numbers(0, 200).map((i) => `${i},x,Name ${i},m${i}@example.com,active`)) },
    says: /disables|IQ3004/,
  },
  {
    what: 'everybody inactive',
    files: { 'hr.csv': file(numbers(0, 200).map((i) => row(i, { state: 'inactive' }))) },
    says: 'disables',
  },
  {
    what: 'a column that went empty',
    files: { 'hr.csv': file(numbers(0, 200).map((i) => row(i, { mail: '' }))) },
    says: 'emptiedAttribute',
  },
  {
    what: 'Latin-1 where UTF-8 was declared',
    files: {
      'applications/hr.yaml': definition.replace('../hr.csv', '../hr.csv, encoding: utf-8'),
      'hr.csv': Buffer.from(whole, 'latin1'),
    },
    says: /IQ3004|IQ20/,
  },
  {
    what: 'every key twice',
    files: { 'hr.csv': file(numbers(0, 200).flatMap((i) => [row(i), row(i)])) },
    says: 'IQ3004',
  },
]

/** Six left, ten came, nine changed: no guard may stand in the way. */
export const ordinaryMorning = {
  files: { 'hr.csv': file(numbers(6, 210).map((i) => row(i, i % 20 === 0 ? { state: 'left' } : {}))) },
  counts: { gone: 6, created: 10, changed: 9 },
}

/** `left` of the 200 people are no longer in the feed. */
export const withoutTheFirst = (left: number): Readonly<Record<string, string>> => ({
  'hr.csv': file(numbers(left, 200).map((i) => row(i))),
})
