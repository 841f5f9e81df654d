import { didYouMean } from '../base/nearest.ts'
import type { Application } from './application.ts'
import type { IdentityModel } from './identity-model.ts'

/** The first correlation rule that looks at an identity attribute which the model does not have: it would never find anybody. */
export function findDeadRule(
  application: Application,
  model: IdentityModel,
): { readonly index: number; readonly text: string; readonly hint: string } | undefined {
  const attributes = ['name', ...model.attributes.map((attribute) => attribute.name)]
  const index = application.correlation.findIndex((rule) => !attributes.includes(rule.identity))
  const rule = application.correlation[index]
  if (rule === undefined) return undefined
  return {
    index,
    text: `correlation rule ${index + 1} of ${application.name} looks at the identity attribute "${rule.identity}", which does not exist`,
    hint: didYouMean(rule.identity, attributes) ?? `there are ${attributes.join(', ')}`,
  }
}
