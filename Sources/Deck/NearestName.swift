// `did you mean`: the known name that takes the fewest edits to reach.

/// The candidate with the smallest edit distance to `name`, case aside, if that is at most a third of the
/// name's length (for a short name 1, but less than the whole); nil if nothing is near.
func nearestName(to name: String, among candidates: [String]) -> String? {
  let folded = name.lowercased()
  let near = candidates.map { (name: $0, distance: editDistance(folded, $0.lowercased())) }
    .min { $0.distance < $1.distance }
  guard let near, near.distance <= min(name.count - 1, max(1, min(3, (name.count + 1) / 3)))
  else { return nil }
  return near.name
}

/// Optimal string alignment distance: insertions, deletions, replacements and swaps of neighbours.
private func editDistance(_ a: String, _ b: String) -> Int {
  let a = Array(a), b = Array(b)
  var rows = [Array(0...b.count)]
  for i in 0..<a.count {
    var row = [i + 1]
    for j in 0..<b.count {
      var best = min(row[j], rows[i][j + 1]) + 1
      best = min(best, rows[i][j] + (a[i] == b[j] ? 0 : 1))
      if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { best = min(best, rows[i - 1][j - 1] + 1) }
      row.append(best)
    }
    rows.append(row)
  }
  return rows[a.count][b.count]
}
