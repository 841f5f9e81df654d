import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** A `crontab` that keeps its table in a file and speaks like Debian's: for failures that the real one cannot be brought to. */
export interface StandIn {
  readonly env: Readonly<Record<string, string>>
  table(): Buffer
  put(table: string | Buffer): void
  /** The next commands say this and end so, until it is taken back. */
  fail(message: string | undefined): void
  /** From now on one of its verbs (`-n`, or `*` for the write) does this instead. */
  instead(verb: '-n' | '*', does: string): void
}

const script = `#!/bin/sh
case "$1" in
  -l) [ -e "$0.table" ] || { echo "no crontab for root" >&2; exit 1; }; cat "$0.table" ;;
  -r) rm -f "$0.table" ;;
  -n) exit 0 ;;
  -*) echo "crontab: invalid option" >&2; exit 1 ;;
  *) cp "$1" "$0.table" ;;
esac
`

export function standInCrontab(folder: string): StandIn {
  const bin = join(folder, 'bin')
  const file = join(bin, 'crontab')
  mkdirSync(bin, { recursive: true })
  writeFileSync(file, script)
  chmodSync(file, 0o755)
  return {
    env: { PATH: `${bin}:${process.env.PATH}`, HOME: folder },
    table: () => readFileSync(`${file}.table`),
    put: (table) => writeFileSync(`${file}.table`, table),
    fail: (message) =>
      message === undefined
        ? writeFileSync(file, script)
        : writeFileSync(file, `#!/bin/sh\necho "${message}" >&2\nexit 1\n`),
    instead: (verb, does) =>
      writeFileSync(
        file,
        script.replace(new RegExp(`^  ${verb === '*' ? '\\*' : verb}\\) .*$`, 'm'), () => `  ${verb}) ${does} ;;`),
      ),
  }
}
