import type { z } from 'zod'
import { UserError } from '../base/errors.ts'
import type { JsonObject } from '../base/json.ts'
import type { AttributeDefinition, CatalogueFeed, Feed, GrantFeed, ValueSource } from '../model/application.ts'
import { compileAt, refuseLiteralSecrets } from './expressions.ts'
import type { applicationSchema } from './schema.ts'
import type { ParsedFile } from './text.ts'

type Raw = z.output<typeof applicationSchema>

/** Grants in files of their own. @throws UserError with the place of the first fault */
export function buildGrants(
  parsed: ParsedFile,
  raw: Raw,
  attributes: readonly AttributeDefinition[],
): readonly GrantFeed[] {
  return raw.grants.map(({ account, value, as, valuesIgnoreCase, valuesArePatterns, ...rest }, index) => {
    const path = ['grants', index]
    const declared = attributes.find((attribute) => attribute.name === as)
    if (declared !== undefined && !declared.entitlement)
      throw new UserError(`${as} is no entitlement attribute, but grants are named ${as}`, {
        code: 'IQ1104',
        place: parsed.place([...path, 'as']),
        hint: `write ${as}: { multiple: true, entitlement: true } under account.attributes, or another name here`,
      })
    for (const one of account) compileRow(parsed, [...path, 'account'], one)
    compileRow(parsed, [...path, 'value'], value)
    const ignoreCase = valuesIgnoreCase || declared?.valuesIgnoreCase === true
    return {
      ...buildFeed(parsed, raw, path, rest),
      account,
      value,
      as,
      valuesIgnoreCase: ignoreCase,
      valuesArePatterns,
    }
  })
}

/** Feeds of the catalogue. @throws UserError with the place of the first fault */
export function buildCatalogue(
  parsed: ParsedFile,
  raw: Raw,
  attributes: readonly AttributeDefinition[],
  grants: readonly GrantFeed[],
): readonly CatalogueFeed[] {
  const known = [...attributes.filter((one) => one.entitlement), ...grants.map((one) => ({ ...one, name: one.as }))]
  const names = [...new Set(known.map((one) => one.name))]
  return raw.entitlements.map(({ as, value, displayName, description, owner, gives, ...rest }, index) => {
    const path = Array.isArray((parsed.value as JsonObject).entitlements) ? ['entitlements', index] : ['entitlements']
    const name = as ?? (names.length === 1 ? names[0] : undefined)
    if (name === undefined || !names.includes(name))
      throw new UserError(
        as === undefined
          ? 'entitlements: which attribute has these values?'
          : `entitlements: no entitlement attribute is named ${as}`,
        {
          code: 'IQ1104',
          place: parsed.place([...path, 'as']),
          hint:
            names.length === 0
              ? 'the application has no entitlement attribute and no grants'
              : `write as: ${names.join(' or as: ')}`,
        },
      )
    const sources = { value, displayName, description, owner, gives }
    for (const [key, one] of Object.entries(sources)) compileRow(parsed, [...path, key], one)
    const valuesIgnoreCase = known.some((one) => one.name === name && one.valuesIgnoreCase)
    return { ...buildFeed(parsed, raw, path, rest), ...sources, as: name, valuesIgnoreCase }
  })
}

function buildFeed(
  parsed: ParsedFile,
  raw: Raw,
  path: readonly PropertyKey[],
  { connector, where, ...connection }: { connector?: string | undefined; where?: unknown; [key: string]: unknown },
): Feed {
  refuseLiteralSecrets(parsed, connection, path)
  return {
    connector: connector ?? raw.connector,
    connection: connection as JsonObject,
    where: whereOf(parsed, where, [...path, 'where']),
  }
}

function compileRow(parsed: ParsedFile, path: readonly PropertyKey[], source: ValueSource | undefined): void {
  if (source !== undefined && 'expr' in source)
    compileAt(parsed, [...path, 'expr'], source.expr, ['row', 'today', 'now'])
}

/** Which raw records belong to the feed. @throws UserError IQ1104, IQ1106 */
export function whereOf(parsed: ParsedFile, where: unknown, path: readonly PropertyKey[]): string | undefined {
  if (where === undefined) return undefined
  const expr = typeof where === 'string' ? where : (where as { expr?: unknown } | null)?.expr
  if (typeof expr !== 'string')
    throw new UserError(`${path.join('.')}: expected { expr: "…" } over \`row\``, {
      code: 'IQ1104',
      place: parsed.place(path),
    })
  compileAt(parsed, path, expr, ['row', 'today', 'now'])
  return expr
}
