/** Makes a value when it is first asked for, and keeps it. */
export function once<Value>(make: () => Value): () => Value {
  let made: { readonly value: Value } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}

type Makers<Members> = { readonly [Key in keyof Members]: () => Members[Key] }

/** Adds members that are each made when they are first asked for. */
export function withMembers<Own extends object, Members extends object>(
  own: Own,
  makers: Makers<Members>,
): Own & Members {
  for (const [key, make] of Object.entries<() => unknown>(makers))
    Object.defineProperty(own, key, { get: once(make), enumerable: true })
  return own as Own & Members
}
