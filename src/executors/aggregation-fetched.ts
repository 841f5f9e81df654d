import type { Application } from '../model/application.ts'
import type { Prepared } from '../task/road.ts'
import { evidenceOf, type ReadOutcome } from './aggregation-read.ts'

/** What comes of a read that is only counted (`fetchOnly`). */
export function fetched(application: Application, outcome: ReadOutcome): Prepared {
  const { read, filtered, rejected, grantsRejected } = outcome
  return {
    evidence: evidenceOf(outcome),
    // nothing is compared, so there is nothing to judge
    figures: {
      section: application.name,
      privileged: application.privileged,
      population: 0,
      baseline: true,
      changes: {},
    },
    counts: { read, filtered, rejected, grantsRejected },
    read,
    rejected,
    planned: 0,
    leftAside: false,
    hash: '',
    changes: () => [],
    bind: () => ({ applicationId: undefined, readAt: undefined, facts: {}, phases: [] }),
  }
}
