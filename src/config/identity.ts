import type { z } from 'zod'
import { UserError } from '../base/errors.ts'
import { didYouMean } from '../base/nearest.ts'
import { compileExpression } from '../model/expression.ts'
import type { IdentityModel, IdentitySource } from '../model/identity-model.ts'
import type { configSchema } from './schema.ts'
import type { ParsedFile } from './text.ts'

type Raw = z.output<typeof configSchema>['identity']
type RawSource = Raw['name'][number]

/** The identity model, its sources told apart by application. @throws UserError IQ1105 for an application that does not exist */
export function buildIdentityModel(parsed: ParsedFile, raw: Raw, applications: readonly string[]): IdentityModel {
  const source = (value: RawSource, path: readonly PropertyKey[]): IdentitySource =>
    typeof value === 'string'
      ? plainSource(parsed, value, path, applications)
      : { expr: value.expr, applications: compiled(parsed, value.expr, path, applications) }
  const sources = (values: readonly RawSource[], path: readonly PropertyKey[]): IdentitySource[] =>
    values.map((value, index) => source(value, [...path, index]))
  return {
    name: sources(raw.name, ['identity', 'name']),
    attributes: Object.entries(raw.attributes).map(([name, attribute]) => ({
      name,
      from: sources(attribute.from, ['identity', 'attributes', name, 'from']),
      normalize: attribute.normalize,
      unique: attribute.unique,
      searchable: attribute.searchable,
      multiple: attribute.all,
    })),
    manager:
      raw.manager === undefined
        ? undefined
        : { from: source(raw.manager.from, ['identity', 'manager', 'from']), identity: raw.manager.identity },
    status: Object.entries(raw.status).map(([application, expr]) => {
      const path = ['identity', 'status', application]
      if (!applications.includes(application)) throw unknown(parsed, application, path, applications)
      compiled(parsed, expr, path, applications)
      return { application, expr }
    }),
  }
}

/** `hr.employee_id`: the longest application name that fits wins, because names may hold dots. */
function plainSource(
  parsed: ParsedFile,
  text: string,
  path: readonly PropertyKey[],
  applications: readonly string[],
): IdentitySource {
  const fits = applications.filter((name) => text.startsWith(`${name}.`) && text.length > name.length + 1)
  const application = fits.sort((a, b) => b.length - a.length)[0]
  if (application === undefined) throw unknown(parsed, text.split('.')[0] ?? text, path, applications)
  return { application, attribute: text.slice(application.length + 1) }
}

const unknown = (parsed: ParsedFile, name: string, path: readonly PropertyKey[], applications: readonly string[]) =>
  new UserError(`${path.join('.')} names the application "${name}", which does not exist`, {
    code: 'IQ1105',
    place: parsed.place(path),
    hint: didYouMean(name, applications) ?? `there are ${applications.join(', ') || 'none yet'}`,
  })

/** The applications that the expression names. @throws UserError IQ1106 with the place */
function compiled(
  parsed: ParsedFile,
  expr: string,
  path: readonly PropertyKey[],
  applications: readonly string[],
): string[] {
  const identifiers = applications.filter((name) => /^[a-z_]\w*$/i.test(name))
  try {
    return compileExpression(expr, { variables: [...identifiers, 'app', 'today', 'now'] }).applications(applications)
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    throw new UserError(error.message, { code: error.code, hint: error.hint, place: parsed.place(path), cause: error })
  }
}
