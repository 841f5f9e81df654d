/** Arguments of `unshare` for a script whose mounts and processes are its own: the machine's tables are not touched, and no daemon stays. */
export function apart(script: string): string[] {
  const mounts =
    'mount -t tmpfs tmpfs /var/spool/cron && mkdir -m 1730 /var/spool/cron/crontabs && chgrp crontab /var/spool/cron/crontabs; mount -t tmpfs tmpfs /etc/cron.d; mount -t tmpfs tmpfs /run; mount -t tmpfs tmpfs /dev/shm'
  const namespaces = ['-m', '-p', '-f', '--kill-child', '--mount-proc', '--propagation', 'private']
  return [...namespaces, 'sh', '-c', `set -e; ${mounts}\n${script}`]
}
