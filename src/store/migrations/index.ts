import { foundation } from './0001-foundation.ts'
import { brakes } from './0002-brakes.ts'
import { feeds } from './0003-feeds.ts'
import { decisions } from './0004-decisions.ts'
import { schedules } from './0005-schedules.ts'
import { outbox } from './0006-outbox.ts'
import { fast } from './0008-fast.ts'
import { cli } from './0009-cli.ts'
import { auditPacks } from './0010-audit-packs.ts'
import { sectionTimes } from './0014-section-times.ts'
import { scheduleTiming } from './0015-schedule-timing.ts'
import { seenAgain } from './0017-seen-again.ts'
import { zeroHash } from './0020-zero-hash.ts'
import { decisionAccount } from './0021-decision-account.ts'
import { removed } from './0023-removed.ts'
import { removedRows } from './0024-removed-rows.ts'

/** In order; a store's `user_version` is the number of those applied. */
export const migrations: readonly string[] = [
  foundation,
  brakes,
  feeds,
  decisions,
  schedules,
  outbox,
  fast,
  cli,
  auditPacks,
  sectionTimes,
  scheduleTiming,
  seenAgain,
  zeroHash,
  decisionAccount,
  removed,
  removedRows,
]
