const passed = /^(PATH|HOME|USER|LOGNAME|SHELL|LANG|LC_\w+|TZ|TMPDIR|(HTTPS?|NO)_PROXY|NODE_EXTRA_CA_CERTS)$/i

/** What a program that is started may know of the environment: where things are, and no secret of anybody. */
export const childEnvironment = (env: Readonly<Record<string, string | undefined>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(env).filter((one): one is [string, string] => one[1] !== undefined && passed.test(one[0])),
  )
