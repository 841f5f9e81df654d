import { UserError } from '../base/errors.ts'
import type { ConnectorContext, ExtractRequest } from './connector.ts'
import { type Encoding, encodeText } from './decode.ts'
import { filesOf } from './files.ts'
import { openTextSource } from './text-source.ts'

/** One record with everything between its line and the next one's. */
export interface RawRecord {
  readonly line: number
  readonly text: string
}

interface Settings {
  readonly file: string
  readonly encoding?: Encoding | undefined
}

/**
 * Picks rows out of the files of a source, in its own encoding. `cut` makes records of the text; `header`: the first one of the first file
 * goes before all.
 * @throws UserError IQ2010
 */
export async function extractRows(
  context: ConnectorContext<Settings>,
  request: ExtractRequest,
  cut: (texts: AsyncIterable<string>) => AsyncIterable<RawRecord>,
  header: boolean,
): Promise<Buffer> {
  const refuse = (why: string): never => {
    throw new UserError(`the rows cannot be taken out of the source: ${why}`, {
      code: 'IQ2010',
      hint: 'run the task again, then take the failures of that run',
    })
  }
  const files = filesOf(context)
  const picked: string[] = []
  let encoding: Encoding = 'utf-8'
  for (const [index, file] of files.entries()) {
    const wanted = new Set(request.rows.filter((row) => row.file === file).map((row) => row.line))
    if (wanted.size === 0 && index > 0) continue
    const source = openTextSource({ file, encoding: context.settings.encoding, signal: context.signal })
    let first = header && index === 0
    for await (const { line, text } of cut(source.texts())) {
      if (first || wanted.delete(line)) picked.push(text)
      first = false
    }
    encoding = source.encoding ?? encoding
    const { digest } = source.end()
    if (files.length === 1 && request.digest !== undefined && digest !== request.digest)
      refuse(`${file} has changed since`)
    const [lost] = wanted
    if (lost !== undefined) refuse(`${file} has no row in line ${lost} any more`)
  }
  return encodeText(`${picked.join('\n')}\n`, encoding)
}
