import { z } from 'zod'
import { isoText } from '../base/clock.ts'
import { UserError } from '../base/errors.ts'
import { type DecidedAccount, type DecisionKind, decisionKinds, faultOfDecision, isDecided } from '../model/decision.ts'
import type { PlanChange } from '../model/plan-change.ts'
import type { PlannedItem } from '../model/planned-item.ts'
import type { Decision } from '../store/decisions.ts'
import { defineExecutor, type TaskContext } from '../task/executor.ts'
import { itemRoad } from '../task/item-road.ts'

const decision = z.strictObject({
  account: z.string(),
  decision: z.enum(decisionKinds),
  identity: z.string().optional(),
  reason: z.string().optional(),
  /** Where it stands in `file`. */
  line: z.number().int().positive().optional(),
})
const schema = z.strictObject({
  decisions: z.array(decision).default([]),
  reason: z.string().optional(),
  file: z.string().optional(),
})
type Arguments = z.output<typeof schema>
type Wanted = Arguments['decisions'][number]

/** What `apply` needs, and what the audit trail tells. */
interface Planned extends Decision {
  readonly account: string
  readonly identity: string | null
  readonly before: string | null
}

/** Persons' decisions about accounts, as a plan of their own: checked as a whole, guarded, audited, taken back by `undo`. */
export const decide = defineExecutor({
  name: 'decide',
  summary: 'keep what a person decided about accounts: whose they are, whose they never are',
  arguments: schema,
  counts: {
    linked: 'accounts that now belong to the identity named',
    unlinked: 'accounts that now belong to nobody',
    nevers: 'identities that an account will never belong to',
    standing: 'decisions that had been taken before',
  },
  async run(context, args) {
    await context.road(
      itemRoad<Planned>(context, {
        section: 'decisions',
        stopsRun: true,
        plan: async (add) => plan(context, args, add),
        apply: (items) => apply(context, items),
      }),
    )
  },
})

const countOf: Readonly<Record<DecisionKind, string>> = { link: 'linked', unlink: 'unlinked', never: 'nevers' }

function plan(context: TaskContext, args: Arguments, add: (item: PlannedItem<Planned>) => void) {
  const { decisions, accounts } = context.store
  const seen = new Map<string, Wanted>()
  const planned = args.decisions.map((wanted) => {
    const fail = (text: string, hint?: string): never => refuse(args, wanted, text, hint)
    const id = inPlace(args, wanted, () => accounts.idOf(wanted.account))
    const found = decisions.about(id)
    const fault = faultOfDecision(found, wanted.decision, wanted.identity)
    if (fault !== undefined) fail(`${wanted.account}: ${fault}`)
    const twice = `${id} ${wanted.decision === 'never' ? `never ${wanted.identity}` : ''}`
    if (seen.has(twice)) fail(`${wanted.account} is decided about twice`)
    seen.set(twice, wanted)
    const identityId = wanted.identity === undefined ? null : decisions.identityId(wanted.identity)
    if (identityId === undefined)
      return fail(`there is no identity ${JSON.stringify(wanted.identity)}`, `iqtask identity find ${wanted.identity}`)
    const reason = wanted.reason ?? args.reason ?? ''
    if (reason.trim() === '') fail(`${wanted.account}: a decision needs a reason`, '--reason "why"')
    return { wanted, found, id, identityId, reason }
  })
  let standing = 0
  for (const { wanted, found, id, identityId, reason } of planned) {
    const { account, decision: kind, identity } = wanted
    if (isDecided(found, kind, identity)) {
      standing++
      continue
    }
    add({
      key: account,
      changes: changesOf(account, found, kind, identity ?? null),
      count: countOf[kind],
      data: { accountId: id, kind, identityId, reason, account, identity: identity ?? null, before: found.owner },
    })
  }
  return { population: accounts.count({}), counts: { linked: 0, unlinked: 0, nevers: 0, standing } }
}

function changesOf(key: string, found: DecidedAccount, kind: DecisionKind, identity: string | null): PlanChange[] {
  const owner = (after: string | null): PlanChange => ({
    kind: 'link',
    object: 'account',
    key,
    field: 'identity',
    before: found.owner,
    after,
  })
  if (kind !== 'never') return [owner(identity)]
  const never: PlanChange = { kind: 'change', object: 'account', key, field: 'never', before: null, after: identity }
  return found.owner === identity ? [never, owner(null)] : [never]
}

function refuse(args: Arguments, { line }: Wanted, text: string, hint: string | undefined): never {
  throw new UserError(text, {
    code: 'IQ2207',
    hint: hint ?? 'nothing was decided',
    place: args.file === undefined ? undefined : { file: args.file, line },
  })
}

/** An error of the store's, told where the decision stands. */
function inPlace<Result>(args: Arguments, wanted: Wanted, look: () => Result): Result {
  try {
    return look()
  } catch (error) {
    if (!(error instanceof UserError) || args.file === undefined) throw error
    return refuse(args, wanted, error.message, error.hint)
  }
}

function apply(context: TaskContext, items: readonly PlannedItem<Planned>[]): void {
  const { store, run, clock } = context
  const at = isoText(clock.now())
  const actor = store.runs.get(run.number)?.actor ?? '{}'
  store.decisions.decide(
    items.map((item) => item.data),
    { run: run.number, actor, at },
  )
  for (const { data } of items)
    store.audit.append({
      at,
      actor,
      action: `account.${data.kind}`,
      object: 'account',
      key: data.account,
      run: run.id,
      body: { identity: data.identity, before: data.before, reason: data.reason },
    })
}
