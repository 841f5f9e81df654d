import { appendFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { ItemError } from '../../src/base/errors.ts'
import { defineExecutor } from '../../src/task/executor.ts'
import { itemRoad } from '../../src/task/item-road.ts'
import { runExecutor } from './run-executor.ts'

/** An executor outside the tool: disables the accounts named in `plan.txt` of its folder, one line each, in a table of its own. */
export const locker = (cwd: string) =>
  defineExecutor({
    name: 'locker',
    summary: 'disable accounts',
    arguments: z.strictObject({}),
    counts: { locked: 'accounts disabled' },
    async run(context) {
      const { db } = context.store
      await context.road(
        itemRoad<string>(context, {
          section: 'locker',
          async plan(add) {
            for (const name of readFileSync(join(cwd, 'plan.txt'), 'utf8').trim().split('\n'))
              add({
                key: name,
                data: name,
                count: 'locked',
                changes: [
                  { kind: 'disable', object: 'account', key: name, field: 'disabled', before: false, after: true },
                ],
              })
            return { population: 2000 }
          },
          apply(items) {
            for (const { data } of items) {
              appendFileSync(join(cwd, 'tried.txt'), `${data}\n`)
              if (data === 'bad') throw new ItemError('it does not want to', data, { code: 'IQ2104' })
              if (data === 'poison') process.abort()
              db.statement(`insert into meta(key, value) values ('locked ' || ?, '1')`).run(data)
            }
          },
        }),
      )
    },
  })

const [, , cwd] = process.argv
if (import.meta.main && cwd !== undefined) await runExecutor(cwd, locker(cwd), { resume: true })
