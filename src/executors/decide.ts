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
export interface PlannedDecision extends Decision {
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
      itemRoad<PlannedDecision>(context, {
        section: 'decisions',
        stopsRun: true,
        plan: async (add) => plan(context, args, add),
        apply: (items) =>
          makeDecisions(
            context,
            items.map((item) => item.data),
          ),
      }),
    )
  },
})

const countOf: Readonly<Record<DecisionKind, string>> = { link: 'linked', unlink: 'unlinked', never: 'nevers' }

function plan(context: TaskContext, args: Arguments, add: (item: PlannedItem<PlannedDecision>) => void) {
  const { accounts } = context.store
  const seen = new Map<string, Wanted>()
  const planned = args.decisions.map((wanted) => {
    const fail: Refuse = (text, hint) => refuse(args, wanted, text, hint)
    const reason = wanted.reason ?? args.reason ?? ''
    const item = inPlace(args, wanted, () => planDecision(context, { ...wanted, reason }, fail))
    const twice = `${accounts.idOf(wanted.account)} ${wanted.decision === 'never' ? `never ${wanted.identity}` : ''}`
    if (seen.has(twice)) fail(`${wanted.account} is decided about twice`)
    seen.set(twice, wanted)
    return item
  })
  const changing = planned.filter((item) => item !== undefined)
  for (const item of changing) add(item)
  const standing = planned.length - changing.length
  return { population: accounts.count({}), counts: { linked: 0, unlinked: 0, nevers: 0, standing } }
}

export interface WantedDecision {
  readonly account: string
  readonly decision: DecisionKind
  readonly identity?: string | undefined
  readonly reason: string
}

/** Says why, and throws. */
type Refuse = (text: string, hint?: string) => never

/** One decision as an item of a plan; undefined where it stands already. */
export function planDecision(
  { store: { decisions, accounts } }: TaskContext,
  { account, decision: kind, identity, reason }: WantedDecision,
  refused: Refuse,
): PlannedItem<PlannedDecision> | undefined {
  const id = accounts.idOf(account)
  const found = decisions.about(id)
  const fault = faultOfDecision(found, kind, identity)
  if (fault !== undefined) return refused(`${account}: ${fault}`)
  const identityId = identity === undefined ? null : decisions.identityId(identity)
  if (identityId === undefined)
    return refused(`there is no identity ${JSON.stringify(identity)}`, `iqtask identity find ${identity}`)
  if (reason.trim() === '') return refused(`${account}: a decision needs a reason`, '--reason "why"')
  if (isDecided(found, kind, identity)) return undefined
  return {
    key: account,
    changes: changesOf(account, found, kind, identity ?? null),
    count: countOf[kind],
    data: { accountId: id, kind, identityId, reason, account, identity: identity ?? null, before: found.owner },
  }
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

/** Makes them and audits each, inside the chunk's transaction. */
export function makeDecisions({ store, run, clock, audit }: TaskContext, planned: readonly PlannedDecision[]): void {
  store.decisions.decide(planned, { run: run.number, actor: run.actor, at: isoText(clock.now()) })
  for (const { kind, account: key, identity, before, reason } of planned)
    audit({ action: `account.${kind}`, object: 'account', key, body: { identity, before, reason } })
}
