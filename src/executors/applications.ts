import { UserError } from '../base/errors.ts'
import { canonicalJson } from '../base/json.ts'
import type { Application, Feed } from '../model/application.ts'
import { glob } from '../model/normalize.ts'
import type { Project } from '../model/project.ts'

/** The applications meant, authoritative ones first, then as written; a pattern stands for all names it matches. */
export function chosenApplications(project: Project, patterns: readonly string[]): Application[] {
  const names = new Set<string>()
  for (const pattern of patterns) {
    if (!/[*?]/.test(pattern)) names.add(pattern)
    else for (const name of project.applications.names().filter(glob(pattern))) names.add(name)
  }
  const all = [...names].map((name) => project.applications.get(name))
  if (all.length === 0)
    throw new UserError(`no application matches ${patterns.join(', ')}`, {
      code: 'IQ1005',
      hint: 'add a file to applications/',
    })
  return [
    ...all.filter((one) => one.authoritative !== undefined),
    ...all.filter((one) => one.authoritative === undefined),
  ]
}

/** A name that is mistyped. Whether the file of a right one is fit, the run tells: the others do their work. @throws UserError IQ1005 */
export function checkApplications({ applications }: Project, patterns: readonly string[]): void {
  const known = new Set(applications.names())
  for (const name of patterns) if (!/[*?]/.test(name) && !known.has(name)) applications.get(name)
}

/** What decides which records of the system are seen. */
export function scopeOf({ connector, connection, where }: Feed): string {
  // how the bytes are read, what proves them whole and what a delta goes by is no other selection
  const { evidence, encoding, separator, quote, cursor, ...selection } = connection
  return canonicalJson({ connector, selection, where })
}
