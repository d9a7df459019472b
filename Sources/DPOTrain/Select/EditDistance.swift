/// Levenshtein distance: the least number of insertions, deletions and substitutions of characters.
public enum EditDistance {
  /// The distance between two texts, in characters.
  /// - Complexity: O(|a|·|b|) time, O(min(|a|, |b|)) memory.
  public static func between(_ a: String, _ b: String) -> Int {
    var (longer, shorter) = (Array(a), Array(b))
    if longer.count < shorter.count { swap(&longer, &shorter) }
    var row = Array(0...shorter.count)
    for (i, character) in longer.enumerated() {
      var diagonal = row[0]
      row[0] = i + 1
      for (j, other) in shorter.enumerated() {
        let substituted = diagonal + (character == other ? 0 : 1)
        diagonal = row[j + 1]
        row[j + 1] = min(substituted, row[j] + 1, row[j + 1] + 1)
      }
    }
    return row[shorter.count]
  }

  /// The distance divided by the length of the longer text: 0 for equal texts, 1 for texts with nothing in
  /// common.
  public static func normalized(_ a: String, _ b: String) -> Double {
    let length = max(a.count, b.count)
    return length == 0 ? 0 : Double(between(a, b)) / Double(length)
  }
}
