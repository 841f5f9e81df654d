import { type Feed, type PlannedAccount, plainFeed, textOf } from './feed.ts'
import { isSharer, type Night, sharedMail } from './nights.ts'
import type { Person } from './people.ts'
import { createRandom } from './random.ts'

const german = (iso: string): string => (iso === '' ? '' : iso.split('-').reverse().join('.'))
const quoted = (text: string): string => (/[";\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)

interface Broken {
  readonly row: string
  readonly what: string
  /** What it is from the second night on; undefined: as before, null: no longer there. */
  readonly mended?: string | null
  /** Its account can be told. */
  readonly native?: string
}

/** Rows of HR that cannot be right; before the second night most of them are mended. */
const broken: readonly Broken[] = [
  {
    row: '198001;Ida;Sommer;ida.sommer@example.com;Treasury;Treasurer;Berlin;DE;100001;31.02.2026;;active',
    what: 'hire_date 31.02.2026 does not exist (198001)',
    native: '198001',
  },
  {
    row: '198002;Otto;Winter;otto.winter@example.com;Treasury;Treasurer;Berlin;DE;100001;2026-03-01;;active',
    what: 'hire_date in another format (198002)',
    native: '198002',
  },
  {
    row: '198003;Eva;Herbst',
    what: 'only 3 fields (198003)',
    mended: '198003;Eva;Herbst;eva.herbst@example.com;Legal;Counsel;Berlin;DE;100001;01.02.2020;;active',
  },
  {
    row: '198004;Jan;Lenz;jan.lenz@example.com;Legal;Counsel;Berlin;DE;100001;01.02.2020;',
    what: 'the last field is missing (198004)',
    mended: '198004;Jan;Lenz;jan.lenz@example.com;Legal;Counsel;Berlin;DE;100001;01.02.2020;;active',
  },
  {
    row: '198005;Mia;Mai;mia.mai@example.com;Legal;Counsel;Berlin;DE;100001;01.02.2020;;active;surplus',
    what: 'one field too many (198005)',
    mended: '198005;Mia;Mai;mia.mai@example.com;Legal;Counsel;Berlin;DE;100001;01.02.2020;;active',
  },
  {
    row: ';Nobody;Known;nobody@example.com;Sales;Account Manager;Oslo;NO;100001;01.02.2020;;active',
    what: 'no employee_id',
    mended: null,
  },
  { row: ';;;;;;;;;;;', what: 'a row of nothing but separators', mended: null },
  {
    row: '198006;Twin;One;twin.one@example.com;Sales;Account Manager;Oslo;NO;100001;01.02.2020;;active',
    what: 'employee_id 198006 occurs twice (first)',
    native: '198006',
  },
  {
    row: '198006;Twin;Two;twin.two@example.com;Sales;Account Manager;Oslo;NO;100001;01.02.2020;;active',
    what: 'employee_id 198006 occurs twice (second)',
    native: '198006',
  },
  {
    row: '198007;M\xfcller;Latin1;m@example.com;Sales;Account Manager;Oslo;NO;100001;01.02.2020;;active',
    what: 'a byte of another encoding in first_name (198007)',
    mended: '198007;Muller;Latin1;m@example.com;Sales;Account Manager;Oslo;NO;100001;01.02.2020;;active',
  },
  {
    row: '198008;Nul\0;Byte;n@example.com;Sales;Account Manager;Oslo;NO;100001;01.02.2020;;active',
    what: 'a NUL in first_name (198008)',
    mended: '198008;Nul;Byte;n@example.com;Sales;Account Manager;Oslo;NO;100001;01.02.2020;;active',
  },
  {
    row: '198009;"Quote"d;Wrong;q@example.com;Sales;Account Manager;Oslo;NO;100001;01.02.2020;;active',
    what: 'text after a closing quote (198009)',
    mended: '198009;"Quoted";Wrong;q@example.com;Sales;Account Manager;Oslo;NO;100001;01.02.2020;;active',
  },
]

const columns =
  'employee_id;first_name;last_name;mail;department;title;site;country;manager_id;hire_date;end_date;status'

const rowOf = (p: Person): string =>
  [
    p.id,
    p.first.native,
    p.last.native,
    isSharer(p) ? sharedMail : p.mail,
    p.department.name,
    p.title,
    p.site.name,
    p.site.country,
    p.manager,
    german(p.hired),
    german(p.ended),
    p.status,
  ]
    .map(quoted)
    .join(';')

/** The personnel system: semicolons, German dates, a dozen rows that cannot be right; a file beside it tells how many rows there are. */
export function hrFeed(night: Night, rehired: ReadonlySet<string>): Feed {
  const first = night.number === 1
  const bad = first ? broken : broken.filter((one) => one.mended === undefined)
  const mended = first ? [] : broken.flatMap((one) => (typeof one.mended === 'string' ? [one.mended] : []))
  const random = createRandom('hr')
  const good = [...night.people.map(rowOf), ...mended]
  const rows: Buffer[] = good.map((row) => Buffer.from(`${row}\r\n`))
  for (const { row } of bad) rows.splice(random.between(1, rows.length), 0, Buffer.from(`${row}\r\n`, 'latin1'))
  const accounts = good.map((row): PlannedAccount => {
    const native = row.slice(0, row.indexOf(';'))
    return { native, content: textOf(row), grants: [], owner: rehired.has(native) ? 'question' : 'creates' }
  })
  const planted = first ? bad.map(({ what }) => what) : changes(night, mended.length)
  return {
    ...plainFeed,
    application: 'hr',
    files: {
      'hr.csv': Buffer.concat([Buffer.from(`\ufeff${columns}\r\n`), ...rows]),
      'hr.csv.rows': Buffer.from(`${rows.length}\n`),
    },
    rows: rows.length,
    rejected: bad.length,
    rejectedAccounts: bad.flatMap(({ native }) => native ?? []),
    untrusted: first,
    proven: true,
    accounts,
    planted,
  }
}

function changes(night: Night, mended: number): string[] {
  const { joiners, rehires, movers, leavers, married, dropped, restored } = night
  const ids = (people: readonly Person[]): string => people.map((person) => person.id).join(', ')
  const lines: [readonly Person[], string][] = [
    [joiners, 'join'],
    [
      rehires,
      'had left, and are back under another number with the mail they had: a question each, no second identity',
    ],
    [movers.map((mover) => mover.person), 'move to another department'],
    [leavers, 'leave'],
    [married, 'have another name, mail and login'],
    [dropped, 'who left long ago are no longer in the extract'],
    [restored, 'who was dropped the night before is in the extract again'],
  ]
  const told = lines.flatMap(([people, what]) =>
    people.length === 0 ? [] : [`${people.length} ${what}: ${ids(people)}`],
  )
  return night.number === 2 ? [...told, `${mended} of the broken rows are mended, two are gone, four stand`] : told
}
