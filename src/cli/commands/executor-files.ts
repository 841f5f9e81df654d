import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '../../base/errors.ts'

/** Where an executor of the project's own is to be, beside its task. */
export const isOwnExecutor = (executor: string): boolean => executor.startsWith('.')

/**
 * Writes an executor that runs, and its test; those that are there already stay. Gives the files written.
 * @throws UserError for a place or an ending that is none
 */
export function writeExecutor(tasks: string, task: string, executor: string): string[] {
  const name = /^\.\/([a-z0-9][a-z0-9._-]*)\.(ts|js)$/.exec(executor)?.[1]
  if (name === undefined)
    throw new UserError(`an executor cannot be in ${JSON.stringify(executor)}`, {
      code: 'IQ1002',
      hint: `a file beside the task: --executor ./${task}.ts`,
    })
  const files = { [executor]: executorText(name), [`${name}.test.js`]: testText(task) }
  return Object.entries(files).flatMap(([file, text]) => {
    const path = join(tasks, file)
    if (existsSync(path)) return []
    writeFileSync(path, text, { flag: 'wx' })
    return [path]
  })
}

const executorText = (name: string): string => `import { defineExecutor } from 'iqtask'
import { z } from 'zod'

export default defineExecutor({
  name: '${name}',
  summary: 'Tag the entitlements that nobody holds',
  arguments: z.object({
    tag: z.string().default('unused'),
  }),
  // looks at the store (accounts, identities, entitlements) and plans changes (link, unlink, tag, untag, owner, set); makes none itself
  async run(ctx, args) {
    await ctx.items(ctx.entitlements({ state: 'active' }), async ({ application, attribute, value, holders }) => {
      if (holders > 0) return
      await ctx.plan({ do: 'tag', entitlement: \`\${application}:\${attribute}:\${value}\`, tag: args.tag })
    })
  },
})
`

const testText = (
  task: string,
): string => `// node --test tasks/        (IQTASK: the command, where it is not on the PATH)
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'

const command = (process.env.IQTASK ?? 'iqtask').split(' ')
const project = new URL('..', import.meta.url).pathname

test('${task} plans without a fault, and changes nothing in a dry run', () => {
  const words = [...command.slice(1), 'run', '${task}', '--dry-run', '--json', '--project', project]
  const result = JSON.parse(execFileSync(command[0], words, { encoding: 'utf8' }))
  assert.equal(result.status, 'success', JSON.stringify(result.messages))
  assert.equal(result.dryRun, true)
  // say here what it should plan, for example: assert.equal(result.counts.tagged, 3)
})
`
