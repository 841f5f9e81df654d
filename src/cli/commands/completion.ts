import { UserError } from '../../base/errors.ts'
import { didYouMean } from '../../base/nearest.ts'
import type { Command } from '../command.ts'

/** Each asks the tool itself at every Tab: names are always those that there are. */
const scripts = {
  // bash ends a word at : and =, and before an @, and completes only what comes after the last of them
  bash: `_iqtask() {
  local IFS=$'\\n' line=\${COMP_LINE:0:COMP_POINT} breaks=\${COMP_WORDBREAKS//[^@:=]/} prefix=
  local -a words
  local index one
  IFS=' ' read -ra words <<< "$line"
  [[ $line == *' ' ]] && words+=('')
  local typed=\${words[\${#words[@]}-1]}
  [[ -n $breaks ]] && prefix=\${typed%"\${typed##*[$breaks]}"}
  COMPREPLY=($(iqtask __complete "\${words[@]:1}" 2>/dev/null))
  [[ \${#COMPREPLY[@]} -eq 0 ]] && return
  [[ \${#COMPREPLY[@]} -eq 1 && $COMPREPLY == *[:=] ]] && compopt -o nospace 2>/dev/null
  for index in "\${!COMPREPLY[@]}"; do
    one=\${COMPREPLY[index]#"\${prefix%@}"}
    [[ $one == *[!a-zA-Z0-9_@%+=:,./-]* ]] && printf -v one '%q' "$one"
    COMPREPLY[index]=$one
  done
}
complete -o default -F _iqtask iqtask
`,
  zsh: `#compdef iqtask
_iqtask() {
  local -a found open
  found=("\${(@f)$(iqtask __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  open=(\${(M)found:#*[:=]})
  found=(\${found:#*[:=]})
  if [[ -n "$open" ]]; then compadd -S '' -a open; fi
  if [[ -n "$found" ]]; then compadd -a found; fi
  if [[ -z "$open$found" ]]; then _files; fi
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
