import { UserError } from '../base/errors.ts'
import { forbiddenKinds, type PlanChange } from '../model/plan-change.ts'
import { notAccepted } from '../model/plan-selection.ts'
import type { LeftOut, Message } from '../model/result.ts'
import type { Prepared } from './road.ts'
import type { RunState } from './run-state.ts'

/** Without the kinds of change that the run may not make: they are listed, not made, and everything else is done. */
export async function leaveForbidden(run: RunState, section: string, plan: Prepared): Promise<Prepared> {
  const kinds = forbiddenKinds(run.options.forbid)
  if (kinds.size === 0) return plan
  return leave(run, section, plan, 'forbidden', (change) => kinds.has(change.kind))
}

/** Without what the person who accepts the plan did not accept. */
export async function leaveUnaccepted(run: RunState, section: string, plan: Prepared): Promise<Prepared> {
  const unwanted = notAccepted(run.options.select ?? {}, plan.changes())
  return unwanted === undefined ? plan : leave(run, section, plan, 'notAccepted', unwanted)
}

const texts: Readonly<Record<'forbidden' | 'notAccepted', Omit<Message, 'item'>>> = {
  forbidden: { level: 'warning', code: 'IQ3009', text: 'forbidden, so not made' },
  notAccepted: { level: 'info', code: 'IQ3013', text: 'not accepted, so not made' },
}

async function leave(
  run: RunState,
  section: string,
  plan: Prepared,
  reason: 'forbidden' | 'notAccepted',
  unwanted: (change: PlanChange) => boolean,
): Promise<Prepared> {
  const before = tally(plan.changes(), unwanted)
  if (![...before.values()].some((kind) => kind.first.length > 0)) return plan
  if (plan.without === undefined)
    throw new UserError(`${section} plans changes that may not be made, and can only be made as a whole`, {
      code: 'IQ3016',
      hint: 'run it without --forbid, --only and --except, or not at all',
    })
  const rest = await plan.without(unwanted)
  const after = tally(rest.changes(), () => false)
  const left: LeftOut[] = [...before].flatMap(([key, { kind, object, count, first }]) => {
    const fewer = count - (after.get(key)?.count ?? 0)
    return fewer > 0 ? [{ section, reason, kind, object, count: fewer, first }] : []
  })
  run.keepLeftOut(left)
  run.message({ ...texts[reason], text: `${texts[reason].text}: ${left.map(sentence).join('; ')}`, item: section })
  return rest
}

const sentence = ({ kind, object, count, first }: LeftOut): string =>
  `${count} ${kind} ${object}${first.length === 0 ? '' : ` (${first.slice(0, 3).join(', ')}${count > 3 ? ', …' : ''})`}`

type Tally = Pick<LeftOut, 'kind' | 'object'> & { count: number; readonly first: string[] }

function tally(changes: Iterable<PlanChange>, unwanted: (change: PlanChange) => boolean): Map<string, Tally> {
  const kinds = new Map<string, Tally>()
  for (const change of changes) {
    const { kind, object, key } = change
    const known = kinds.get(`${kind} ${object}`) ?? { kind, object, count: 0, first: [] }
    kinds.set(`${kind} ${object}`, known)
    known.count++
    if (known.first.length < 10 && unwanted(change) && !known.first.includes(key)) known.first.push(key)
  }
  return kinds
}
