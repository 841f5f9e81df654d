import { didYouMean, nearest } from '../base/nearest.ts'
import type { Database } from './database.ts'

/** A store holds millions of names: so many are looked at on either side of the one that was typed, where its like begin alike. */
const neighbours = 1_000
const mostLooked = 2_000

const namesIn = (db: Database, sql: string, ...values: readonly (string | number)[]): string[] =>
  db
    .statement(sql)
    .pluck()
    .all(...values) as string[]

/** Neighbours of a name in the order of its index; `name`: its column. */
const around = (sql: string, name: string): string =>
  `select * from (${sql} and ${name} < @typed order by ${name} desc limit ${neighbours})
   union all select * from (${sql} and ${name} >= @typed order by ${name} limit ${neighbours})`

const hintOf = (near: string | undefined, otherwise: string): string =>
  near === undefined ? otherwise : `${near}    ${otherwise}`

const suggestion = (near: readonly string[], whole: (one: string) => string): string | undefined =>
  near.length === 0 ? undefined : `did you mean ${near.map(whole).join(', ')}?`

/** What is near to a word that is none of the known ones; none where it is one. */
const nearUnknown = (word: string, known: readonly string[]): string[] =>
  known.includes(word) ? [] : nearest(word, known)

const nearApplications = (db: Database, word: string): string[] =>
  nearUnknown(word, namesIn(db, 'select name from application'))

/** What to type in the place of an account that is not there. */
export function hintForAccount(db: Database, reference: string): string {
  const at = reference.indexOf(':')
  if (at < 0) return 'an account is named APPLICATION:NATIVE_IDENTITY'
  const [application, native] = [reference.slice(0, at), reference.slice(at + 1)]
  const sql = `select a.native from application p cross join account a on a.application_id = p.id and a.retired = 0
    where p.name = @application`
  const natives = (): string[] =>
    db.statement(around(sql, 'a.native')).pluck().all({ application, typed: native }) as string[]
  const near =
    suggestion(nearApplications(db, application), (name) => `${name}:${native}`) ??
    suggestion(nearest(native, natives()), (name) => `${application}:${name}`)
  return hintOf(near, `iqtask account find ${native}`)
}

/** … of an entitlement: the first part that is not known. */
export function hintForEntitlement(db: Database, reference: string): string {
  const [application = '', attribute = '', ...rest] = reference.split(':')
  if (rest.length === 0) return 'an entitlement is named APPLICATION:ATTRIBUTE:VALUE'
  const value = rest.join(':')
  const of = 'from application p join entitlement e on e.application_id = p.id where p.name = ?'
  const attributes = namesIn(db, `select distinct e.attribute ${of}`, application)
  const values = (): string[] =>
    namesIn(
      db,
      `select coalesce(e.shown, e.value) ${of} and e.attribute = ? limit ${mostLooked}`,
      application,
      attribute,
    )
  const near =
    suggestion(nearApplications(db, application), (name) => `${name}:${attribute}:${value}`) ??
    suggestion(nearUnknown(attribute, attributes), (name) => `${application}:${name}:${value}`) ??
    suggestion(nearest(value, values()), (name) => `${application}:${attribute}:${name}`)
  return hintOf(near, `iqtask entitlement find --application ${application} --attribute ${attribute}`)
}

/** … of an identity. */
export function hintForIdentity(db: Database, name: string): string {
  const sql = 'select name from identity where true'
  const names = db.statement(around(sql, 'name')).pluck().all({ typed: name }) as string[]
  return hintOf(didYouMean(name, names), `iqtask identity find ${name}`)
}

/** … of a result: a task of another name, or an id with a letter wrong. */
export function hintForResult(db: Database, reference: string): string {
  const all = 'all results: iqtask results list --all'
  if (reference.includes('@')) {
    const [task = ''] = reference.split('@')
    const tasks = namesIn(db, 'select distinct task from task_result')
    const [near] = tasks.includes(task) ? [] : nearest(task, tasks)
    return near === undefined ? all : `did you mean ${near}@latest?`
  }
  if (!/^0[0-9a-z]{5,}$/i.test(reference)) return all
  const last = namesIn(db, 'select result_id from task_result order by id desc limit 50')
  // neighbours in time begin alike: two letters are a slip, more are another id
  const near = nearest(reference, new Set(last.map((id) => id.slice(0, reference.length)))).filter(
    (id) => [...id].filter((letter, at) => letter !== reference.toUpperCase()[at]).length <= 2,
  )
  return hintOf(
    suggestion(near, (id) => id),
    all,
  )
}

/** `ad:jd` as far as it is typed; at most so many. */
export function accountsBeginning(db: Database, reference: string, limit: number): string[] {
  const at = reference.indexOf(':')
  return namesIn(
    db,
    `select p.name || ':' || a.native from application p cross join account a on a.application_id = p.id and a.retired = 0
       where p.name = ? and a.native >= ? and a.native < ? order by a.native limit ?`,
    reference.slice(0, at),
    ...range(reference.slice(at + 1)),
    limit,
  )
}

export function entitlementsBeginning(db: Database, reference: string, limit: number): string[] {
  const whole = `p.name || ':' || e.attribute || ':' || coalesce(e.shown, e.value)`
  const sql = `select ${whole} from application p join entitlement e on e.application_id = p.id
    where p.name = ? and substr(${whole}, 1, length(?)) = ? limit ?`
  return namesIn(db, sql, reference.slice(0, reference.indexOf(':')), reference, reference, limit)
}

export const identitiesBeginning = (db: Database, typed: string, limit: number): string[] =>
  namesIn(db, 'select name from identity where name >= ? and name < ? order by name limit ?', ...range(typed), limit)

/** The bounds of what begins so. */
const range = (typed: string): [string, string] => [typed, `${typed}\u{10ffff}`]
