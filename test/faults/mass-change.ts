import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { write } from '../helpers/files.ts'
import { rowsOf } from '../helpers/state.ts'
import { type FaultFigure, type Measured, pooled, type Size } from './figure.ts'
import { badMornings, organisation, withoutTheFirst } from './mornings.ts'
import type { Tool } from './tool.ts'

interface Case {
  readonly what: string
  readonly files: Readonly<Record<string, string | Buffer>>
  readonly stops: boolean
}

/** 200 accounts, 10 %: the 20th may go, the 21st may not. */
const aroundTheLimit: readonly Case[] = [19, 20, 21].map((left) => ({
  what: `${left} of 200 left (limit 20)`,
  files: withoutTheFirst(left),
  stops: left > 20,
}))

const cases: Readonly<Record<Size, readonly Case[]>> = {
  sample: [...badMornings.slice(1, 4).map((one) => ({ ...one, stops: true })), ...aroundTheLimit],
  usual: [...badMornings.map((one) => ({ ...one, stops: true })), ...aroundTheLimit],
  all: [...badMornings.map((one) => ({ ...one, stops: true })), ...aroundTheLimit],
}

async function measure(tool: Tool, size: Size): Promise<Measured> {
  const folder = mkdtempSync(join(tmpdir(), 'iqtask-mornings-'))
  const start = join(folder, 'start')
  try {
    write(start, organisation)
    const first = await tool.run(start, ['run', 'aggregation'])
    if (first.status !== 0 && first.status !== 3)
      throw new Error(`the first run ended with ${first.status}: ${first.stderr}`)
    const wrong = await pooled(cases[size], availableParallelism(), async ({ what, files, stops }) => {
      const cwd = mkdtempSync(join(folder, 'case-'))
      cpSync(start, cwd, { recursive: true })
      const before = rowsOf(cwd)
      write(cwd, files)
      const { status } = await tool.run(cwd, ['run', 'aggregation'])
      const stopped = status === 1 || status === 4
      if (stopped !== stops) return [`${what}: ended with ${status}`]
      return stops && rowsOf(cwd) !== before ? [`${what}: rows changed although the run was stopped`] : []
    })
    return { value: `${cases[size].length} mornings, ${wrong.flat().length} wrong`, wrong: wrong.flat() }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

export const massChanges: FaultFigure = {
  id: 'F11',
  what: 'feeds of a bad morning, and plans at limit − 1, limit, limit + 1',
  goal: 'stopped without a changed row; the last plan within the limit is applied',
  measure,
}
