import type { App } from '../app.ts'
import type { Command } from './command.ts'
import { commandNamed, commandNames, groupNamed } from './commands/index.ts'
import { globalOptions } from './program.ts'
import { shortId } from './render/result.ts'

/**
 * What may stand where the last of the words is being typed: commands, options, their choices, and the names that there are now.
 * Where a file is wanted, nothing: the shell knows files.
 */
export async function complete(words: readonly string[], open: () => Promise<App>): Promise<string[]> {
  const typed = words.at(-1) ?? ''
  const before = words.slice(0, -1)
  const candidates = await candidatesOf(before, typed, open)
  return [...new Set(candidates)].filter((one) => one.startsWith(typed)).sort()
}

async function candidatesOf(before: readonly string[], typed: string, open: () => Promise<App>): Promise<string[]> {
  const [noun, verb] = before
  if (noun === undefined) return [...commandNames]
  const group = groupNamed(noun)
  if (group !== undefined && verb === undefined && !typed.startsWith('-')) return group.commands.map((one) => one.name)
  const command =
    commandNamed(noun) ??
    group?.commands.find((one) => one.name === verb) ??
    (verb === undefined || verb.startsWith('-') ? group?.commands[0] : undefined)
  if (command === undefined) return []
  const rest = before.slice(group === undefined || verb?.startsWith('-') === true ? 1 : 2)
  const options = [...(command.options ?? []), ...globalOptions]
  const last = rest.at(-1) ?? ''
  const waiting = options.find((one) => namesOf(one.flags).includes(last) && one.flags.includes('<'))
  if (waiting !== undefined)
    return waiting.choices === undefined ? namesAt(waiting.flags, noun, open) : [...waiting.choices]
  if (typed.startsWith('-')) return options.flatMap((one) => namesOf(one.flags).filter((name) => name.startsWith('--')))
  const place = placeAt(command, rest, options)
  return place === undefined ? [] : namesAt(place, noun, open)
}

const namesOf = (flags: string): string[] => flags.split(/[ ,]+/).filter((part) => part.startsWith('-'))

/** The argument that is being typed, as the command writes it: `<task...>`. */
function placeAt(command: Command, rest: readonly string[], options: readonly { readonly flags: string }[]) {
  const takesValue = (word: string): boolean =>
    options.some((one) => one.flags.includes('<') && namesOf(one.flags).includes(word))
  const given = rest.filter((word, index) => !word.startsWith('-') && !takesValue(rest[index - 1] ?? '')).length
  const places = (command.arguments ?? '').split(' ').filter((part) => part !== '')
  return places[given] ?? (places.at(-1)?.includes('...') === true ? places.at(-1) : undefined)
}

/** The names that fit an argument or the value of an option; known by what it is called. */
async function namesAt(place: string, noun: string, open: () => Promise<App>): Promise<string[]> {
  const called = /[<[](?:.*\s)?([a-z:]+)(?:\.\.\.)?[>\]]/.exec(place)?.[1] ?? ''
  const what = called === 'name' ? (place.startsWith('--') ? (/^--([a-z]+)/.exec(place)?.[1] ?? '') : noun) : called
  if (what === 'shell') return ['bash', 'zsh', 'fish']
  if (what === 'topic') {
    const [{ topics }, { codes }] = await Promise.all([import('./topics.ts'), import('../base/codes.ts')])
    return [...Object.keys(topics), ...Object.keys(codes)]
  }
  if (what === 'kind') {
    const { documentNames, kindNames } = await import('../app.ts')
    return [...kindNames, ...documentNames]
  }
  if (what === 'task' || what === 'tasks') return [...(await open()).project.tasks.names()]
  if (what === 'application' || what === 'applications') return [...(await open()).project.applications.names()]
  if (['id', 'result', 'from', 'to', 'run'].includes(what)) {
    const items = (await open()).storeIfExists()?.results.list({ limit: 50 }).items ?? []
    return items.length === 0 ? [] : ['latest', ...items.map((one) => shortId(one.id))]
  }
  return []
}
