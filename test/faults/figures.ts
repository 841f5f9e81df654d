import { backupsUnderLoad } from './backups.ts'
import { bitFlips } from './bit-flips.ts'
import type { FaultFigure } from './figure.ts'
import { diskFaults, killPoints } from './kill-points.ts'
import { compoundKills, randomKills } from './kills.ts'
import { manyProcesses, oneRuns } from './many.ts'
import { massChanges } from './mass-change.ts'
import { modes } from './modes.ts'
import { powerCuts } from './power-cut.ts'
import { recovery } from './recovery.ts'
import { rework } from './rework.ts'
import { seeded } from './seeded-bugs.ts'
import { stopping } from './stopping.ts'
import { tampering } from './tampering.ts'

/** The rows of the reliability table that exist so far, in its order. */
export const figures: readonly FaultFigure[] = [
  killPoints,
  randomKills,
  compoundKills,
  powerCuts,
  diskFaults,
  rework,
  recovery,
  stopping,
  manyProcesses,
  oneRuns,
  massChanges,
  modes,
  tampering,
  bitFlips,
  backupsUnderLoad,
  seeded,
]
