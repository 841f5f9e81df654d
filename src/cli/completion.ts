import type { App } from '../app.ts'
import type { Command } from './command.ts'
import { commandNamed, commandNames, groupNamed } from './commands/index.ts'
import { ofCalled, type Wanted } from './live-names.ts'
import { globalOptions } from './program.ts'

/**
 * What may stand where the last of the words is being typed: commands, options, their choices, and the names that there are now.
 * Where a file is wanted, nothing: the shell knows files.
 */
export async function complete(words: readonly string[], open: () => Promise<App>): Promise<string[]> {
  const typed = words.at(-1) ?? ''
  const before = words.slice(0, -1)
  // `--output=js` is one word
  const [, option = '', value] = /^(--[a-z-]+)=(.*)$/.exec(typed) ?? []
  const candidates =
    value === undefined
      ? await candidatesOf(before, typed, open)
      : (await candidatesOf([...before, option], value, open)).map((one) => `${option}=${one}`)
  return [...new Set(candidates)].filter((one) => one.startsWith(typed)).sort()
}

async function candidatesOf(
  before: readonly string[],
  typed: string,
  open: () => Promise<App>,
): Promise<readonly string[]> {
  const [noun, verb] = before
  if (noun === undefined) return commandNames
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
    return waiting.choices ?? namesAt({ place: waiting.flags, noun, typed, before: rest }, open)
  if (typed.startsWith('-')) return options.flatMap((one) => namesOf(one.flags).filter((name) => name.startsWith('--')))
  const place = placeAt(command, rest, options)
  return place === undefined ? [] : namesAt({ place, noun, typed, before: rest }, open)
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

/** What the place is called says which names fit it; `name` and `id` are of the noun, or of the option. */
async function namesAt(wanted: Wanted, open: () => Promise<App>): Promise<readonly string[]> {
  const { place, noun, before } = wanted
  const word = /[<[](?:.*\s)?([a-z:=]+)(?:\.\.\.)?[>\]]/.exec(place)?.[1] ?? ''
  const isOption = place.startsWith('--')
  if (noun === 'plan' && place === '<task>') return ['show', ...(await ofCalled('task', open, wanted))]
  if (noun === 'plan' && place === '[file]') return before[0] === 'show' ? ofCalled('result', open, wanted) : []
  if (noun === 'why' && word === 'id')
    return ofCalled(before[0] === 'identity' ? 'identity' : 'application:native', open, wanted)
  if (word === 'id') return ofCalled(noun === 'schedule' ? 'schedule' : 'result', open, wanted)
  if (word === 'name') return ofCalled(isOption ? (/^--([a-z]+)/.exec(place)?.[1] ?? '') : noun, open, wanted)
  return ofCalled(word, open, wanted)
}
