import { createHash } from 'node:crypto'
import { UserError } from '../base/errors.ts'
import { canonicalJson, type Json, type JsonObject } from '../base/json.ts'
import { type Application, accountTimes, type TimeSource } from '../model/application.ts'
import { compileAt, refuseLiteralSecrets } from './expressions.ts'
import { buildCatalogue, buildGrants, whereOf } from './feeds.ts'
import { applicationSchema } from './schema.ts'
import { check, type ParsedFile } from './text.ts'

/** An application's file as its object. @throws UserError with the place of the first fault */
export function buildApplication(parsed: ParsedFile): Application {
  const raw = check(parsed, applicationSchema)
  refuseLiteralSecrets(parsed, raw.connection, ['connection'])
  const { where, merge, ...connection } = raw.connection
  const attributes = Object.entries(raw.account.attributes).map(([name, attribute]) => ({ name, ...attribute }))
  const grants = buildGrants(parsed, raw, attributes)
  const { authoritative, account } = raw
  const application: Application = {
    ...described(raw),
    name: raw.name,
    owner: raw.owner,
    authoritative: authoritative === false ? undefined : authoritative === true ? { sameAs: [] } : authoritative,
    privileged: raw.privileged,
    connector: raw.connector,
    connection: connection as JsonObject,
    where: whereOf(parsed, where, ['connection', 'where']),
    merge: mergeOf(parsed, merge),
    cursor: typeof connection.cursor === 'string' ? connection.cursor : undefined,
    grants,
    entitlements: buildCatalogue(parsed, raw, attributes, grants),
    ignoreCase: raw.ignoreCase,
    account: {
      nativeIdentity: account.nativeIdentity,
      uuid: account.uuid,
      use: account.use,
      owner: account.owner,
      displayName: account.displayName,
      disabled: account.disabled,
      locked: account.locked,
      times: Object.fromEntries(
        accountTimes.flatMap((name): [string, TimeSource][] => {
          const source = account[name]
          return source === undefined ? [] : [[name, source]]
        }),
      ),
      primary: account.primary,
      attributes,
    },
    correlation: raw.correlation,
    protect: raw.protect,
    guards: raw.guards as JsonObject,
    digest: createHash('sha256')
      .update(canonicalJson(parsed.value as Json))
      .digest('hex'),
    file: parsed.file,
  }
  checkExpressions(parsed, application)
  return application
}

export const described = (raw: { title?: string | undefined; description?: string | undefined }) => ({
  title: raw.title,
  description: raw.description,
})

function mergeOf(parsed: ParsedFile, merge: unknown): boolean {
  if (merge === undefined || typeof merge === 'boolean') return merge ?? false
  throw new UserError('connection.merge: expected true or false', {
    code: 'IQ1104',
    place: parsed.place(['connection', 'merge']),
  })
}

/** Every expression of the file compiles, or its place is told. */
function checkExpressions(parsed: ParsedFile, application: Application): void {
  const { account: definition } = application
  const at = (path: readonly PropertyKey[], source: unknown): void => {
    const expr = typeof source === 'object' && source !== null && 'expr' in source ? source.expr : undefined
    if (typeof expr === 'string') compileAt(parsed, path, expr, ['account', 'today', 'now'])
  }
  for (const name of ['use', 'owner', 'displayName', 'disabled', 'locked', 'primary'] as const)
    at(['account', name], definition[name])
  for (const name of accountTimes) at(['account', name], definition.times[name]?.from)
  for (const attribute of definition.attributes) at(['account', 'attributes', attribute.name, 'expr'], attribute)
  application.correlation.forEach((rule, index) => {
    at(['correlation', index, 'expr'], rule.from)
  })
  application.authoritative?.sameAs.forEach((rule, index) => {
    at(['authoritative', 'sameAs', index, 'expr'], rule.from)
  })
  at(['authoritative', 'create'], { expr: application.authoritative?.create })
}
