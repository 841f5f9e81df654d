import { slack, teams } from './chat.ts'
import { command } from './command.ts'
import { file } from './file.ts'
import type { Notifier } from './notifier.ts'
import { smtp } from './smtp.ts'
import { webhook } from './webhook.ts'

/** The ways of telling that come with the tool. */
export const builtinNotifiers: readonly Notifier[] = [smtp, webhook, slack, teams, file, command]
