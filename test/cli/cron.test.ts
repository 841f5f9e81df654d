import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { apart } from '../helpers/apart.ts'
import { begunAgo } from '../helpers/begun.ts'
import { machineHas, machineIsRoot } from '../helpers/machine.ts'
import { project, smallOrganisation, write } from '../helpers/project.ts'

const root = join(import.meta.dirname, '../..')
const possible = machineIsRoot() && machineHas('cron') && machineHas('unshare', 'util-linux')

const runApart = (script: string, cwd: string) =>
  spawnSync('unshare', apart(script), { cwd, encoding: 'utf8', timeout: 55_000, killSignal: 'SIGKILL' })

/** The small organisation with one schedule, in this folder. */
function timed(cwd: string, schedule: string): string {
  write(cwd, {
    ...smallOrganisation,
    'tasks/t.yaml': `kind: TaskDefinition\nname: t\nexecutor: account-aggregation\narguments: { applications: [hr] }\nschedule: [{ name: s, ${schedule} }]\n`,
  })
  return cwd
}

describe.skipIf(!possible)('the real cron', () => {
  // the built tool: what the lines call too
  const iqtask = `${process.execPath} ${join(root, 'bin/iqtask.js')}`

  it('keeps the installed block, refuses a user by cron.deny, and leaves the rest of the table', () => {
    const cwd = timed(project(), 'cron: "30 2 * * *"')
    const denied = timed(project(), 'cron: "30 2 * * *"')
    const done = runApart(
      `printf '0 5 * * * /bin/backup 100\\\\%%\\n# x\\n' | crontab -
crontab -l > before
${iqtask} schedule install --yes
crontab -l | grep -c 'schedule fire t/s'
${iqtask} schedule diff
${iqtask} schedule uninstall --yes
crontab -l | cmp - before && echo SAME
touch /run/x; cp -r /etc /run/etc; mount --bind /run/etc /etc; echo nobody > /etc/cron.deny; rm -f /etc/cron.allow
chown -R nobody ${denied}; cd ${denied}
setpriv --reuid=65534 --clear-groups env HOME=${denied} ${iqtask} schedule install --yes 2>&1 || echo DENIED $?
ls /var/spool/cron/crontabs`,
      cwd,
    )
    expect(done.stdout, done.stderr).toContain('SAME')
    expect(done.stdout).toMatch(/^1$/m)
    expect(done.stdout).toContain('no difference')
    expect(done.stdout).toMatch(/not allowed to use this program[\s\S]*IQ5006[\s\S]*DENIED 2\nroot\n$/)
  })

  const fast = machineHas('faketime')
  it.skipIf(!fast)(
    'runs an installed line, whose folder is full of what a shell or a crontab could misread',
    async () => {
      const cwd = join(
        project(),
        `o'brien & co $(touch canary) \`touch canary\` "x" ; touch canary # \\ é ${'x'.repeat(100)}`,
      )
      mkdirSync(cwd)
      timed(cwd, 'every: minute')
      await begunAgo(cwd, 't/s', 150_000)
      // the daemon's clock runs fast, so that its next minute is near; its jobs live in real time
      const done = runApart(
        `${iqtask} schedule install --yes
crontab -l
faketime -f '+0 x20' cron -f &
for i in $(seq 1 300); do sleep 0.1; [ -e var/iqtask.db ] && ${iqtask} results --status success --json > results.json && grep -q '"trigger": "schedule"' results.json && break; done
cat results.json`,
        cwd,
      )
      expect(done.stdout, done.stderr).toContain('"trigger": "schedule"')
      expect(done.stdout).toContain('"status": "success"')
      const canaries = [cwd, homedir(), '/root', '/'].filter((folder) => existsSync(join(folder, 'canary')))
      expect(canaries).toEqual([])
    },
  )
})
