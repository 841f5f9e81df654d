import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { documentNames, jsonSchemaOf } from '../../src/app.ts'

interface Node {
  readonly properties?: Readonly<Record<string, Node>>
  readonly items?: Node
  readonly anyOf?: readonly Node[]
}

const file = join(import.meta.dirname, 'published-fields.txt')

/** `result.sections[].counts`: every field of every document that commands print. */
function fieldsOf(name: string, { properties = {}, items, anyOf = [] }: Node): string[] {
  const own = Object.entries(properties).flatMap(([key, node]) => [
    `${name}.${key}`,
    ...fieldsOf(`${name}.${key}`, node),
  ])
  return [
    ...own,
    ...(items === undefined ? [] : fieldsOf(`${name}[]`, items)),
    ...anyOf.flatMap((node) => fieldsOf(name, node)),
  ]
}

const now = (): string[] => [...new Set(documentNames.flatMap((name) => fieldsOf(name, jsonSchemaOf(name) as Node)))]

it('fields of a JSON document are only ever added: what was published once is there', () => {
  const published = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
  const missing = published.filter((field) => !now().includes(field))
  expect(missing).toEqual([])
  // adds, and takes nothing out: that has to be done by hand, by somebody who knows whose scripts it breaks
  if (process.env.UPDATE_FIELDS !== undefined)
    writeFileSync(file, `${[...new Set([...published, ...now()])].sort().join('\n')}\n`)
  else
    expect(
      now().filter((field) => !published.includes(field)),
      'new: UPDATE_FIELDS=1',
    ).toEqual([])
})
