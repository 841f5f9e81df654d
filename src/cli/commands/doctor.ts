import type { Command } from '../command.ts'
import { safe } from '../terminal.ts'

const signs = { ok: ['✔', 'green'], warn: ['⚠', 'yellow'], fail: ['✖', 'red'] } as const

export const doctor: Command = {
  name: 'doctor',
  summary: 'look at everything a run leans on: each line ok, warn or fail, with how to mend it',
  examples: ['iqtask doctor', 'iqtask doctor --fix', 'iqtask doctor --json | jq -r .findings[].status'],
  options: [{ flags: '--fix', summary: 'mend what can be mended without a decision' }],
  async run(context, _args, options) {
    const { examine } = await import('../../app.ts')
    const app = await context.app()
    let findings = await examine(app, context.terminal.env)
    const fixed = options.fix === true ? findings.filter((finding) => finding.fix !== undefined) : []
    for (const { fix } of fixed) fix?.()
    if (fixed.length > 0) findings = await examine(app, context.terminal.env)
    const { style } = context
    const healthy = findings.every((finding) => finding.status !== 'fail')
    const shown = findings.map(({ name, status, text, mend }) => ({ name, status, text, mend }))
    await context.printer.document(
      { schema: 'iqtask/Doctor/1', healthy, fixed: fixed.map((finding) => finding.text), findings: shown },
      () =>
        [
          ...fixed.map((finding) => `${style.green('mended')}  ${safe(finding.text)}`),
          ...shown.map(({ name, status, text, mend }) => {
            const [sign, colour] = signs[status]
            const line = `${style[colour](`${sign} ${status.padEnd(4)}`)}  ${safe(name)}  ${safe(text)}`
            return mend === null ? line : `${line}\n        ${style.dim(safe(mend))}`
          }),
          '',
        ].join('\n'),
    )
    return healthy ? 0 : 1
  },
}
