import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { TaskResultDocument } from '../../src/model/documents.ts'
import { machineHas } from '../helpers/machine.ts'
import { project, smallOrganisation } from '../helpers/project.ts'
import { runCli } from '../helpers/run-cli.ts'
import { until } from '../helpers/spawn-cli.ts'
import { openTerminal } from '../helpers/terminal.ts'

const bin = join(import.meta.dirname, '../../bin/iqtask.js')

/** One that goes on for a minute whatever it is told; the framework ends it three seconds after the run should have ended. */
const deaf = `import { defineExecutor } from 'iqtask'
import { z } from 'zod'
export default defineExecutor({
  name: 'deaf', summary: 'Hears nothing', arguments: z.object({}),
  async run(ctx) { ctx.progress(1); await new Promise((resolve) => setTimeout(resolve, 60_000)) },
})
`

async function atTerminal(press: number) {
  const cwd = project({
    ...smallOrganisation,
    'tasks/deaf.ts': deaf,
    'tasks/deaf.yaml': 'kind: TaskDefinition\nname: deaf\nexecutor: ./deaf.ts\n',
  })
  // the shell hears it too, and would end
  const code = `trap : INT; stty cols 100; ${process.execPath} ${bin} run deaf; echo "ended with $?"`
  const terminal = openTerminal(code, cwd)
  await until(async () => (await runCli('ps --json', { cwd })).stdout.includes('"running"'))
  await until(() => terminal.said().includes('deaf  plan'))
  const pressedMs = performance.now()
  terminal.type('\x03')
  await until(() => terminal.said().includes('stopping at the next chunk'))
  if (press === 2) terminal.type('\x03')
  await until(() => terminal.said().includes('ended with'))
  const tookMs = performance.now() - pressedMs
  await terminal.closed()
  const { items } = JSON.parse((await runCli('results --json', { cwd })).stdout) as { items: TaskResultDocument[] }
  return { said: terminal.said(), tookMs, result: items[0] }
}

describe.runIf(machineHas('script', 'bsdutils'))('Ctrl-C at a terminal', () => {
  it('once: stops at the next chunk, says so and how to stop now, and leaves a result that can be resumed', async () => {
    const { said, result } = await atTerminal(1)
    expect(said).toContain('Ctrl-C again stops now')
    expect(said).toContain('ended with 130')
    expect(said).toMatch(/✖ terminated/)
    expect(said).toContain('go on: iqtask run deaf --resume')
    expect(result).toMatchObject({ status: 'terminated', exitCode: 130 })
  })

  it('twice: ends now; the next command finds the run dead', async () => {
    const { said, tookMs, result } = await atTerminal(2)
    expect(said).toContain('ended with 130')
    // the first alone would have waited for three seconds
    expect(tookMs).toBeLessThan(2_900)
    expect(said).not.toContain('✖ terminated')
    expect(result?.status).toBe('terminated')
  })
})
