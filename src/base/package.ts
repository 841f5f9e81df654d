import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Folder of the installed package: one above `dist`, two above a source file. */
export const packageFolder: string = (() => {
  let folder = dirname(fileURLToPath(import.meta.url))
  while (!isPackage(folder)) folder = dirname(folder)
  return folder
})()

function isPackage(folder: string): boolean {
  try {
    return (JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { name?: string }).name === 'iqtask'
  } catch {
    if (dirname(folder) === folder) throw new Error('the package iqtask is not complete: its package.json is missing')
    return false
  }
}

export const packageVersion: string = (
  JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8')) as { version: string }
).version
