import { type ErrorDetails, UserError } from '../base/errors.ts'
import { didYouMean } from '../base/nearest.ts'
import { compileExpression } from '../model/expression.ts'
import { forbidWords } from '../model/plan-change.ts'
import { checkSelection } from '../model/plan-selection.ts'
import type { TaskDefinition } from '../model/task-definition.ts'
import type { RunRequest } from './run-request.ts'

/** What `only` sees of each account. */
export const onlyVariables = ['account', 'today', 'now'] as const

/** Refuses what could only fail later, before there is a TaskResult. @throws UserError */
export function checkRequest(definition: TaskDefinition, request: RunRequest): void {
  checkForbid(definition, request)
  if (definition.only !== undefined) checkOnly(definition.only, { file: definition.file })
  if (request.only !== undefined) checkOnly(request.only)
  checkSelection(request.select ?? {})
}

function checkOnly(only: string, place?: ErrorDetails['place']): void {
  try {
    compileExpression(only, { variables: onlyVariables })
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    throw new UserError(`only: ${error.message}`, { code: error.code, hint: error.hint, place, cause: error })
  }
}

/** A word that means nothing would forbid nothing. */
function checkForbid(definition: TaskDefinition, request: RunRequest): void {
  const refuse = (word: string, details: Pick<ErrorDetails, 'code' | 'place'>): never => {
    throw new UserError(`forbid: there is no kind of change ${JSON.stringify(word)}`, {
      ...details,
      hint: didYouMean(word, forbidWords) ?? `kinds: ${forbidWords.join(', ')}`,
    })
  }
  const unknown = (words: readonly string[]) => words.find((word) => !forbidWords.includes(word))
  const written = unknown(definition.forbid)
  if (written !== undefined) refuse(written, { code: 'IQ1104', place: { file: definition.file } })
  const asked = unknown(request.forbid ?? [])
  if (asked !== undefined) refuse(asked, { code: 'IQ1002' })
}
