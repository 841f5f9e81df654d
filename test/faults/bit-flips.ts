import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { flipBits } from '../helpers/bit-flips.ts'
import type { FaultFigure, Measured, Size } from './figure.ts'
import { storeOf, works } from './scenario.ts'
import type { Tool } from './tool.ts'

const flips: Readonly<Record<Size, number>> = { sample: 60, usual: 400, all: 5_000 }

async function measure(tool: Tool, size: Size): Promise<Measured> {
  const folder = mkdtempSync(join(tmpdir(), 'iqtask-flips-'))
  try {
    await works[0]?.prepare(tool, folder)
    await tool.run(folder, ['run', 't'])
    const { detected, harmless, silent } = flipBits(storeOf(folder), { flips: flips[size], seed: 20_262_121 })
    const value = `${flips[size]} flips: ${detected} detected, ${harmless} harmless, ${silent.length} silent`
    return { value, wrong: silent.map((one) => `nobody sees ${one}`) }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

export const bitFlips: FaultFigure = {
  id: 'F21',
  what: 'one bit of the store is flipped, then `store check`',
  goal: 'detected, or nothing that is stored has changed',
  measure,
}
