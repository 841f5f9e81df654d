/** An attribute's value as it is kept: dates are ISO text (`2026-11-24`, or UTC with milliseconds), lists hold distinct text. */
export type Value = string | number | boolean | readonly string[]

export type Attributes = Readonly<Record<string, Value>>

/** A value as a source gives it. Numbers beyond 2^53 arrive as text. */
export type RawValue = string | number | boolean | readonly string[] | undefined

export type AttributeType = 'string' | 'number' | 'boolean' | 'date'

export const attributeTypes = ['string', 'number', 'boolean', 'date'] as const satisfies readonly AttributeType[]

/** Ways to even out text before it is compared or stored. `leadingZeros` makes `00482` equal `482`. */
export const normalizations = ['trim', 'lower', 'upper', 'collapse', 'leadingZeros'] as const
export type Normalization = (typeof normalizations)[number]
