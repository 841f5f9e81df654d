import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { machineHas, machineIsRoot } from '../helpers/machine.ts'
import { project, smallOrganisation, write } from '../helpers/project.ts'

const root = join(import.meta.dirname, '../..')
const possible = machineIsRoot() && machineHas('cron') && machineHas('unshare', 'util-linux')

/** Runs a script where mounts are its own: the machine's tables are not touched. */
function apart(script: string, cwd: string) {
  const mounts =
    'mount -t tmpfs tmpfs /var/spool/cron && mkdir -m 1730 /var/spool/cron/crontabs && chgrp crontab /var/spool/cron/crontabs; mount -t tmpfs tmpfs /etc/cron.d; mount -t tmpfs tmpfs /run'
  return spawnSync('unshare', ['-m', '--propagation', 'private', 'sh', '-c', `set -e; ${mounts}\n${script}`], {
    cwd,
    encoding: 'utf8',
    timeout: 150_000,
  })
}

describe.skipIf(!possible)('the real cron', () => {
  // the built tool: what the lines call too
  const iqtask = `${process.execPath} ${join(root, 'bin/iqtask.js')}`

  it('keeps the installed block, refuses a user by cron.deny, and leaves the rest of the table', () => {
    const cwd = project(smallOrganisation)
    write(cwd, {
      'tasks/t.yaml':
        'kind: TaskDefinition\nname: t\nexecutor: account-aggregation\narguments: { applications: [hr] }\nschedule: [{ name: s, cron: "30 2 * * *" }]\n',
    })
    const done = apart(
      `printf '0 5 * * * /bin/backup 100\\\\%%\\n# x\\n' | crontab -
crontab -l > before
${iqtask} schedule install --yes
crontab -l | grep -c 'schedule fire t/s'
${iqtask} schedule diff
${iqtask} schedule uninstall --yes
crontab -l | cmp - before && echo SAME
touch /run/x; cp -r /etc /run/etc; mount --bind /run/etc /etc; echo nobody > /etc/cron.deny; rm -f /etc/cron.allow
setpriv --reuid=65534 --clear-groups crontab -l 2>&1 || echo DENIED`,
      cwd,
    )
    expect(done.stdout, done.stderr).toContain('SAME')
    expect(done.stdout).toMatch(/^1$/m)
    expect(done.stdout).toContain('no difference')
    expect(done.stdout).toMatch(/not allowed to use this program[\s\S]*DENIED/)
  })

  it('runs an installed line within a minute, and a result of the trigger schedule is there', {
    timeout: 170_000,
  }, () => {
    const cwd = project(smallOrganisation)
    write(cwd, {
      'tasks/t.yaml':
        'kind: TaskDefinition\nname: t\nexecutor: account-aggregation\narguments: { applications: [hr] }\nschedule: [{ name: s, every: minute }]\n',
    })
    const done = apart(
      `${iqtask} schedule install --yes
cron -f & CRON=$!
for i in $(seq 1 100); do sleep 1; ${iqtask} results --json > results.json; grep -q '"trigger": "schedule"' results.json && break; done
kill $CRON
cat results.json
${iqtask} schedule fire t/s --project . --json`,
      cwd,
    )
    expect(done.stdout, done.stderr).toContain('"trigger": "schedule"')
    expect(done.stdout).toContain('"status": "success"')
    expect(done.stdout).toContain('"reason": "nothing is due"')
  })
})
