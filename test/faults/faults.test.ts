import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { figures } from './figures.ts'
import { buildTool, type Tool } from './tool.ts'

/** A sample of each figure; `npm run faults` measures them. */
describe('the reliability figures', () => {
  let tool: Tool
  beforeAll(async () => {
    tool = await buildTool()
  })
  afterAll(() => tool.close())

  for (const { id, what, possible, measure } of figures)
    it.skipIf(possible?.() === false)(
      `${id}: ${what}`,
      async () => {
        expect((await measure(tool, 'sample')).wrong).toEqual([])
      },
      240_000,
    )
})
