import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { gitOf } from '../../src/task/definition-git.ts'
import { project, write } from '../helpers/project.ts'

it('tells the commit of a definition wherever the repository begins above it, and nothing outside of one', () => {
  const cwd = project({ 'iam/tasks/t.yaml': 'name: t\n' })
  const file = join(cwd, 'iam/tasks/t.yaml')
  expect(gitOf(file)).toBeUndefined()
  const git = (...args: string[]) => execFileSync('git', ['-C', cwd, ...args], { stdio: 'pipe' })
  git('init', '--quiet')
  git('add', '.')
  git('-c', 'user.name=Ada', '-c', 'user.email=ada@example.com', 'commit', '--quiet', '-m', 'tasks')
  expect(gitOf(file)).toMatchObject({ author: 'Ada <ada@example.com>', dirty: false })
  write(cwd, { 'iam/tasks/t.yaml': 'name: t2\n' })
  expect(gitOf(file)).toMatchObject({ dirty: true })
})
