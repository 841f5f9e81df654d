/** Where a record stands in a source of several files, as one number: the line itself in the first file. */
export const placeNumber = (file: number, line: number): number => file * lines + line
const lines = 2 ** 32

/** The file and line that a number stands for. */
export function placeOf(files: readonly string[], place: number): { readonly file: string; readonly line: number } {
  return { file: files[Math.floor(place / lines)] ?? '', line: place % lines }
}

/** `line 3`, `lines 3, 9`, or with file names where a source has several; at most ten. */
export function renderPlaces(files: readonly string[], places: readonly number[]): string {
  const shown = places.slice(0, 10).map((place) => {
    const { file, line } = placeOf(files, place)
    return files.length > 1 ? `${file}:${line}` : String(line)
  })
  return `line${places.length > 1 ? 's' : ''} ${shown.join(', ')}${places.length > 10 ? ', …' : ''}`
}
