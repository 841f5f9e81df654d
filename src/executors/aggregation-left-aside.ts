import type { Code } from '../base/codes.ts'
import type { Application } from '../model/application.ts'
import type { AccountPlan } from '../store/bulk/account-plan.ts'
import type { TaskContext } from '../task/executor.ts'

/** Of one account and of several. */
const leftAsideTexts: Readonly<Record<string, readonly [string, string]>> = {
  IQ2201: ['account fits several identities', 'accounts fit several identities'],
  IQ2202: [
    'account carries a key that belongs to nobody (decisive rule)',
    'accounts carry a key that belongs to nobody (decisive rule)',
  ],
  IQ2203: ['account fits an inactive identity', 'accounts fit an inactive identity'],
  IQ2204: ['identity could not be created', 'identities could not be created'],
  IQ2205: [
    'account may belong to a person who is known already',
    'accounts may belong to people who are known already',
  ],
  IQ2206: [
    'account changed its key and now fits somebody else',
    'accounts changed their key and now fit somebody else',
  ],
}

/** One message a cause, with the first items; true when something waits for a person. */
export function reportLeftAside(context: TaskContext, application: Application, plan: AccountPlan): boolean {
  const causes = plan.leftAside()
  for (const { code, count, first } of causes)
    context.message({
      level: 'warning',
      code: code as Code,
      text: `${count} ${leftAsideTexts[code]?.[count === 1 ? 0 : 1] ?? 'wait for a decision'}: ${first.join(', ')}${count > first.length ? ', …' : ''}`,
      item: application.name,
    })
  return causes.length > 0
}
