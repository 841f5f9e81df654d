/** Fields that hold secrets, wherever they stand. */
export const secretKeys = /^(password|secret|token|bearer|clientSecret|apiKey|passphrase|privateKey|[Aa]uthorization)$/

/** The whole text is one reference. */
export const isReference = (text: string): boolean => /^\$\{(env|file|command):[^}]+\}$/.test(text)
