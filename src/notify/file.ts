import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { z } from 'zod'
import { writeDurably } from '../base/durable.ts'
import { DeliveryError, defineNotifier, documentOf } from './notifier.ts'

/** One file a message, named after its id: a repetition replaces itself. */
export const file = defineNotifier({
  name: 'file',
  summary: 'write the document to a file of its own in a folder',
  settings: z.strictObject({ folder: z.string() }),
  async send({ folder }, message, context) {
    const path = resolve(context.folder, folder)
    try {
      mkdirSync(path, { recursive: true, mode: 0o700 })
      writeDurably(join(path, `${message.id}.json`), `${JSON.stringify(documentOf(message))}\n`)
    } catch (error) {
      throw new DeliveryError(`${path} cannot be written: ${(error as Error).message}`, {
        temporary: true,
        cause: error,
      })
    }
  },
})
