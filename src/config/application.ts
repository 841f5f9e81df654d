import { createHash } from 'node:crypto'
import { UserError } from '../base/errors.ts'
import { canonicalJson, type Json, type JsonObject } from '../base/json.ts'
import { type Application, accountTimes, type TimeSource } from '../model/application.ts'
import { compileExpression } from '../model/expression.ts'
import { applicationSchema } from './schema.ts'
import { isReference, secretKeys } from './secret-fields.ts'
import { check, type ParsedFile } from './text.ts'

/** An application's file as its object. @throws UserError with the place of the first fault */
export function buildApplication(parsed: ParsedFile): Application {
  const raw = check(parsed, applicationSchema)
  refuseLiteralSecrets(parsed, raw.connection, ['connection'])
  const { where, merge, ...connection } = raw.connection
  const { authoritative, account } = raw
  const application: Application = {
    ...described(raw),
    name: raw.name,
    owner: raw.owner,
    authoritative: authoritative === false ? undefined : authoritative === true ? { sameAs: [] } : authoritative,
    privileged: raw.privileged,
    connector: raw.connector,
    connection: connection as JsonObject,
    where: whereOf(parsed, where),
    merge: mergeOf(parsed, merge),
    grants: raw.grants as readonly JsonObject[],
    entitlements: raw.entitlements as JsonObject | undefined,
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
      attributes: Object.entries(account.attributes).map(([name, attribute]) => ({ name, ...attribute })),
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

function whereOf(parsed: ParsedFile, where: unknown): string | undefined {
  if (where === undefined) return undefined
  const expr = typeof where === 'string' ? where : (where as { expr?: unknown } | null)?.expr
  if (typeof expr === 'string') return expr
  throw new UserError('connection.where: expected { expr: "…" } over `row`', {
    code: 'IQ1104',
    place: parsed.place(['connection', 'where']),
  })
}

function mergeOf(parsed: ParsedFile, merge: unknown): boolean {
  if (merge === undefined || typeof merge === 'boolean') return merge ?? false
  throw new UserError('connection.merge: expected true or false', {
    code: 'IQ1104',
    place: parsed.place(['connection', 'merge']),
  })
}

/** Every expression of the file compiles, or its place is told. */
function checkExpressions(parsed: ParsedFile, application: Application): void {
  const account = ['account', 'today', 'now']
  const { account: definition } = application
  const at = (path: readonly PropertyKey[], source: unknown, variables = account): void => {
    const expr = typeof source === 'object' && source !== null && 'expr' in source ? source.expr : undefined
    if (typeof expr === 'string') compileAt(parsed, path, expr, variables)
  }
  at(['connection', 'where'], { expr: application.where }, ['row', 'today', 'now'])
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

/** Compiles, and tells an error's place. @throws UserError IQ1106 */
export function compileAt(
  parsed: ParsedFile,
  path: readonly PropertyKey[],
  expr: string,
  variables: readonly string[],
): void {
  try {
    compileExpression(expr, { variables })
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    throw new UserError(error.message, { code: error.code, hint: error.hint, place: parsed.place(path), cause: error })
  }
}

/** A secret field takes only a reference: what is in the file is in git, in backups, in mail. @throws UserError IQ1107 */
export function refuseLiteralSecrets(parsed: ParsedFile, value: unknown, path: readonly PropertyKey[]): void {
  if (typeof value !== 'object' || value === null) return
  for (const [key, member] of Object.entries(value)) {
    const here = [...path, key]
    if (secretKeys.test(key) && typeof member === 'string' && !isReference(member))
      throw new UserError(`${here.join('.')} is a secret written out`, {
        code: 'IQ1107',
        place: parsed.place(here),
        hint: `write a reference: ${key}: "\${env:NAME}" or "\${file:PATH}"`,
      })
    refuseLiteralSecrets(parsed, member, here)
  }
}
