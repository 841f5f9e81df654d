import type { Connector } from './connector.ts'
import { delimited } from './delimited/delimited.ts'
import { jsonl } from './jsonl.ts'

/** The kinds of system that iqtask can read. */
export const builtinConnectors: readonly Connector[] = [delimited, jsonl]
