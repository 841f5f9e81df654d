import { type CrontabBlock, diffBlocks } from './crontab-block.ts'

/** What wakes iqtask up: the user's crontab, a file of /etc/cron.d, timers of systemd. */
export const installTargets = ['crontab', 'cron.d', 'systemd'] as const
export type InstallTarget = (typeof installTargets)[number]
export const fileTargets = ['cron.d', 'systemd'] as const
export type FileTarget = (typeof fileTargets)[number]

/** One file of a target, or the block in the crontab; undefined: not there, not wanted, never written. */
export interface InstalledFile {
  readonly name: string
  readonly now: CrontabBlock['text']
  readonly wanted: string | undefined
  /** As iqtask wrote it last. */
  readonly known: string | undefined
}

export interface TargetState {
  readonly target: InstallTarget
  /** `the crontab of ada`, or a folder. */
  readonly where: string
  readonly files: readonly InstalledFile[]
  /** Timers that are there, and that systemd does not start. */
  readonly notEnabled: readonly string[]
}

/** Somebody installed it: it is there, or it has been. */
export const isInstalled = ({ files }: TargetState): boolean =>
  files.some(({ now, known }) => now !== undefined || known !== undefined)

/** Lines with `-`, `+` or blanks before them, each file under its path; none when nothing differs. */
export function diffTarget({ target, where, files }: TargetState): string[] {
  return files.flatMap(({ name, now, wanted }) => {
    const lines = diffBlocks(now, wanted)
    return lines.length === 0 || target === 'crontab' ? lines : [`@@ ${where}/${name}`, ...lines]
  })
}

/** What was changed since iqtask wrote it, as lines; what somebody took away is simply written again. */
export function editedByHand({ files }: TargetState): string[] {
  return files.flatMap(({ name, now, known }) =>
    now === undefined || known === undefined || now === known
      ? []
      : [...(name === 'crontab' ? [] : [`@@ ${name}`]), ...diffBlocks(now, known)],
  )
}

const fires = (text: string | undefined, id: string): boolean => text?.includes(` schedule fire ${id} `) === true

/** Something there calls the schedule; a timer has to be enabled too. */
export const wakesUp = ({ target, files, notEnabled }: TargetState, id: string): boolean =>
  files.some(({ name, now }) => fires(now, id) && (target !== 'systemd' || hasTimer(files, notEnabled, name)))

function hasTimer(files: readonly InstalledFile[], notEnabled: readonly string[], service: string): boolean {
  const timer = service.replace(/\.service$/, '.timer')
  return !notEnabled.includes(timer) && files.some(({ name, now }) => name === timer && now !== undefined)
}

/** What stands there for the schedule is not what its definition makes now. */
export function isDrifted({ target, files }: TargetState, id: string): boolean {
  if (target === 'systemd')
    return files.some(
      ({ now, wanted }) => now !== wanted && (now ?? wanted)?.includes(`Description=iqtask schedule ${id}\n`) === true,
    )
  return files.some(({ now, wanted }) =>
    diffBlocks(now, wanted).some(
      (line) => !line.startsWith(' ') && (line.includes(` fire ${id} `) || line.startsWith(`# ${id}: `, 2)),
    ),
  )
}
