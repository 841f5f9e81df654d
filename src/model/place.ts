/** Where a record stands in a source of several files, as one number: the line itself in the first file. */
export const placeNumber = (file: number, line: number): number => file * lines + line
const lines = 2 ** 32

/** The file's number and the line that a number stands for. */
export const placeParts = (place: number): { readonly file: number; readonly line: number } => ({
  file: Math.floor(place / lines),
  line: place % lines,
})

/** The file and line that a number stands for. */
export function placeOf(files: readonly string[], place: number): { readonly file: string; readonly line: number } {
  const { file, line } = placeParts(place)
  return { file: files[file] ?? '', line }
}

/** `line 3`, `lines 3, 9`, or `a.csv:3, b.csv:9` where a source has several files; at most ten. */
export function renderPlaces(files: readonly string[], places: readonly number[]): string {
  const shown = places.slice(0, 10).map((place) => {
    const { file, line } = placeOf(files, place)
    return files.length > 1 ? `${file}:${line}` : String(line)
  })
  const list = `${shown.join(', ')}${places.length > 10 ? ', …' : ''}`
  return files.length > 1 ? list : `line${places.length > 1 ? 's' : ''} ${list}`
}
