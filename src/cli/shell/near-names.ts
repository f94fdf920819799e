/** What somebody may have meant who typed a name that does not exist. */

const suggestionsMax = 3

export function nearNames(name: string, existing: Iterable<string>): string[] {
  const wanted = name.toLowerCase()
  const scored: { name: string; score: number }[] = []
  for (const each of existing) {
    const candidate = each.toLowerCase()
    const distance = editDistance(wanted, candidate)
    const contained = wanted.length >= 3 && (candidate.includes(wanted) || wanted.includes(candidate))
    if (distance <= Math.max(1, Math.floor(wanted.length / 3)) || contained) {
      scored.push({ name: each, score: contained ? Math.min(distance, 2) : distance })
    }
  }
  scored.sort((a, b) => a.score - b.score || (a.name < b.name ? -1 : 1))
  return scored.slice(0, suggestionsMax).map(each => each.name)
}

/** `Did you mean orders or orders-2?`, or what else to do. */
export function suggestion(name: string, existing: Iterable<string>, otherwise: string): string {
  const near = nearNames(name, existing)
  return near.length > 0 ? `Did you mean ${near.join(' or ')}?` : otherwise
}

/** Insertions, deletions, replacements and swaps of neighbours. */
function editDistance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 8) return Number.POSITIVE_INFINITY
  let before: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      row[j] = Math.min(
        last[j] + 1,
        row[j - 1] + 1,
        last[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1),
        swapped ? before[j - 2] + 1 : Number.POSITIVE_INFINITY,
      )
    }
    before = last
    last = row
  }
  return last[b.length]
}
