import { spawnSync } from 'node:child_process'

const there = (command: string): boolean => spawnSync('which', [command]).status === 0

/**
 * Does this machine have the command? Installed where that is possible (Debian, root); elsewhere the tests that need it are skipped, and it
 * is said aloud what to install. Under CI=true a missing one is a failure.
 */
export function machineHas(command: string, debianPackage: string = command): boolean {
  if (there(command)) return true
  if (process.getuid?.() === 0 && there('apt-get')) {
    // two test files may ask at once
    const apt = (...args: string[]) => spawnSync('apt-get', ['-o', 'DPkg::Lock::Timeout=300', '-q', ...args])
    const install = () => apt('install', '-y', '--no-install-recommends', debianPackage)
    if (install().status !== 0) {
      apt('update')
      install()
    }
  }
  if (there(command)) return true
  if (process.env.CI === 'true')
    throw new Error(`${command} is missing (Debian package ${debianPackage}), and CI skips nothing`)
  console.warn(`SKIPPED: these tests need ${command}: apt-get install ${debianPackage}`)
  return false
}

/** Mounts, namespaces and other users need root. */
export function machineIsRoot(): boolean {
  if (process.getuid?.() === 0) return true
  if (process.env.CI === 'true') throw new Error('these tests need root, and CI skips nothing')
  console.warn('SKIPPED: these tests need root')
  return false
}
