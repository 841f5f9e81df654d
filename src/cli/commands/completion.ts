import { UserError } from '../../base/errors.ts'
import { didYouMean } from '../../base/nearest.ts'
import type { Command } from '../command.ts'

/** Each asks the tool itself at every Tab: names are always those that there are. */
const scripts = {
  bash: `_iqtask() {
  local IFS=$'\\n'
  COMPREPLY=($(iqtask __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _iqtask iqtask
`,
  zsh: `#compdef iqtask
_iqtask() {
  local -a found
  found=("\${(@f)$(iqtask __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n "\${found[1]}" ]]; then compadd -a found; else _files; fi
}
compdef _iqtask iqtask
`,
  fish: `function __iqtask_complete
  set -l words (commandline -opc)[2..-1]
  set -l found (iqtask __complete $words (commandline -ct) 2>/dev/null)
  if test (count $found) -gt 0
    printf '%s\\n' $found
  else
    __fish_complete_path (commandline -ct)
  end
end
complete -c iqtask -f -a '(__iqtask_complete)'
`,
} as const
const shells = Object.keys(scripts) as (keyof typeof scripts)[]

export const completion: Command = {
  name: 'completion',
  arguments: '<shell>',
  summary: 'Tab completes commands, options and the names of tasks, applications and results: for bash, zsh, fish',
  examples: [
    'iqtask completion bash >> ~/.bashrc',
    'iqtask completion zsh >> ~/.zshrc',
    'iqtask completion fish > ~/.config/fish/completions/iqtask.fish',
  ],
  async run(context, [given = '']) {
    const shell = shells.find((one) => one === given)
    if (shell === undefined)
      throw new UserError(`there is no completion for ${JSON.stringify(given)}`, {
        code: 'IQ1002',
        hint: didYouMean(given, shells) ?? `there is one for ${shells.join(', ')}`,
      })
    const script = scripts[shell]
    await context.printer.document({ schema: 'iqtask/Completion/1', shell, script }, () => script)
    return undefined
  },
}
