import type { JsonObject } from '../base/json.ts'
import type { DecidedAccount, DecisionKind } from '../model/decision.ts'
import type { QuestionDocument } from '../model/documents.ts'
import type { Database } from './database.ts'
import { accountImages } from './images.ts'

/** One decision, ready to be made. */
export interface Decision {
  readonly accountId: number
  readonly kind: DecisionKind
  readonly identityId: number | null
  readonly reason: string
}

export interface DecisionRecord {
  readonly kind: DecisionKind
  readonly identity: string | null
  readonly reason: string
  readonly actor: JsonObject
  readonly at: string
  readonly result: string | null
}

export interface QuestionFilter {
  readonly application?: string | undefined
  readonly kind?: string | undefined
}

/** What persons decide about accounts, and what waits for them. */
export interface Decisions {
  /** What was decided about the account, and whose it is. */
  about(accountId: number): DecidedAccount
  identityId(name: string): number | undefined
  /** Who decided what about the account, and why; latest first. */
  history(accountId: number): readonly DecisionRecord[]
  /** Makes them, inside the caller's transaction, with before images for `run`. */
  decide(
    decisions: readonly Decision[],
    by: { readonly run: number; readonly actor: string; readonly at: string },
  ): void
  /** Open questions, by application and account. */
  questions(filter: QuestionFilter): IterableIterator<QuestionDocument>
  countQuestions(filter: QuestionFilter): number
}

const fromQuestions = `from question q join account a on a.id = q.account_id join application p on p.id = a.application_id
  left join task_result r on r.id = q.since where (@application is null or p.name = @application) and (@kind is null or q.kind = @kind)`
const valuesOf = ({ application = undefined, kind = undefined }: QuestionFilter) => ({
  application: application ?? null,
  kind: kind ?? null,
})

export function createDecisions(db: Database): Decisions {
  return {
    about: (accountId) => about(db, accountId),
    identityId: (name) =>
      db.statement('select id from identity where name = ?').pluck().get(name) as number | undefined,
    history: (accountId) =>
      (
        db
          .statement(
            `select d.kind, i.name identity, d.reason, d.actor, d.at, r.result_id result from decision d left join identity i on i.id = d.identity_id
               left join task_result r on r.id = d.run where d.account_id = ? order by d.run desc`,
          )
          .all(accountId) as (Omit<DecisionRecord, 'actor'> & { actor: string })[]
      ).map((row) => ({ ...row, actor: JSON.parse(row.actor) as JsonObject })),
    decide: (decisions, by) => decide(db, decisions, by),
    *questions(filter) {
      const rows = db
        .statement(
          `select p.name application, coalesce(a.shown, a.native) native, a.display, q.kind, q.code, q.rule, q.value, r.queued_at since,
             (select json_group_array(i.name) from json_each(q.candidates) c join identity i on i.id = c.value) candidates
           ${fromQuestions} order by p.name, a.native`,
        )
        .iterate(valuesOf(filter)) as IterableIterator<QuestionRow>
      for (const { native, display, candidates, ...row } of rows)
        yield {
          schema: 'iqtask/Question/1',
          ...row,
          nativeIdentity: native,
          displayName: display,
          candidates: JSON.parse(candidates) as string[],
        }
    },
    countQuestions: (filter) => Number(db.statement(`select count(*) ${fromQuestions}`).pluck().get(valuesOf(filter))),
  }
}

type QuestionRow = Omit<QuestionDocument, 'schema' | 'candidates' | 'nativeIdentity' | 'displayName'> & {
  readonly native: string
  readonly display: string | null
  readonly candidates: string
}

function about(db: Database, accountId: number): DecidedAccount {
  const owner = db
    .statement('select i.name from account a left join identity i on i.id = a.identity_id where a.id = ?')
    .pluck()
    .get(accountId) as string | null
  const rows = db
    .statement(
      'select d.kind, i.name identity from decision d left join identity i on i.id = d.identity_id where d.account_id = ?',
    )
    .all(accountId) as { kind: DecisionKind; identity: string | null }[]
  const own = rows.find((row) => row.kind !== 'never')
  return {
    owner,
    decided: own === undefined ? undefined : { kind: own.kind as 'link' | 'unlink', identity: own.identity },
    never: rows.flatMap(({ kind, identity }) => (kind === 'never' && identity !== null ? [identity] : [])),
  }
}

/** Whose an account is changes for `link`, `unlink`, and for `never` of the one who has it now: rules look for another then. */
function decide(db: Database, decisions: readonly Decision[], by: Parameters<Decisions['decide']>[1]): void {
  const { run, actor, at } = by
  const ids = JSON.stringify(decisions.map((decision) => decision.accountId))
  const chosen = 'select value from json_each(@ids)'
  db.statement(accountImages(chosen)).run({ run, ids })
  const mark = db.statement(
    'update identity set marked = 1 where id in (?, (select identity_id from account where id = ?))',
  )
  const own = db.statement(
    `update account set identity_id = ?, link_by = 'person', link_rule = null, link_run = ?, unconfirmed = 0, changed_run = ? where id = ?`,
  )
  const away = db.statement(
    `update account set identity_id = null, link_by = 'none', link_rule = null, link_run = ?, unconfirmed = 0, changed_run = ?
     where id = ? and identity_id = ?`,
  )
  const forget = db.statement(`delete from decision where account_id = ? and kind <> 'never'`)
  const keep = db.statement(
    'insert or replace into decision(account_id, kind, identity_id, run, reason, actor, at) values (?, ?, ?, ?, ?, ?, ?)',
  )
  const answered = db.statement('delete from question where account_id = ?')
  for (const { accountId, kind, identityId, reason } of decisions) {
    mark.run(identityId, accountId)
    if (kind === 'never') away.run(run, run, accountId, identityId)
    else {
      forget.run(accountId)
      own.run(identityId, run, run, accountId)
      answered.run(accountId)
    }
    keep.run(accountId, kind, identityId, run, reason, actor, at)
    db.statement('update account set changed_run = ? where id = ?').run(run, accountId)
  }
}
