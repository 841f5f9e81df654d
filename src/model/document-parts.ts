import { z } from 'zod'

/** What the schemas of documents are made of. */
export const object = z.looseObject
export const text = z.string()
export const time = z.iso.datetime({ precision: 3 })
export const count = z.int().nonnegative()
export const free = object({})
/** A field that only the interface has does not compile. */
export type Fields<Document> = Readonly<Record<Exclude<keyof Document, 'schema'>, z.ZodType>>
export const document = <Shape extends z.ZodRawShape>(name: string, shape: Shape) =>
  object({ schema: z.literal(`iqtask/${name}/1`), ...shape })
