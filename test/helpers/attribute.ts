import type { AttributeDefinition } from '../../src/model/application.ts'

/** A text of which nothing else is said. */
export const attribute = (name: string, more: Partial<AttributeDefinition> = {}): AttributeDefinition => ({
  name,
  type: 'string',
  multiple: false,
  entitlement: false,
  ignore: false,
  valuesIgnoreCase: false,
  ...more,
})
