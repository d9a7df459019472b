/// SentencePiece's map of characters to their replacements: the byte count of a double-array trie
/// (Darts-clone), the trie, and the replacements it points into, each ended by a zero. libsentencepiece
/// follows it without looking.
enum CharacterMap {
  /// Matches of one prefix for which the library has room.
  private static let mostMatches = 32
  /// Bytes of a key that is still believed.
  private static let longestKey = 128

  /// Whether every search ends inside the map.
  static func isUsable(_ map: [UInt8]) -> Bool {
    guard !map.isEmpty else { return true }
    guard map.count > 4, map.last == 0 else { return false }
    let words = stride(from: 0, through: map.count - 4, by: 4).map { offset in
      (0..<4).reduce(UInt32(0)) { $0 | UInt32(map[offset + $1]) << UInt32(8 * $1) }
    }
    let size = Int(words[0])
    guard size > 0, size % 1024 == 0, size < map.count - 4 else { return false }
    return staysInside(words[1...size / 4], replacements: map.count - 4 - size)
  }

  /// Walks all keys at once, byte by byte.
  private static func staysInside(_ units: ArraySlice<UInt32>, replacements: Int) -> Bool {
    let units = Array(units)
    /// For each unit that a key can lead to, the most matches on the way.
    var reached = [0: 0]
    for length in 0..<longestKey {
      var next: [Int: Int] = [:]
      for (place, matches) in reached {
        let unit = units[place]
        let children = place ^ Int(unit >> 10) << Int((unit & 0x200) >> 6)
        guard children | 0xFF < units.count else { return false }
        var matches = matches
        if unit & 0x100 != 0, length > 0 {
          matches += 1
          guard matches <= mostMatches, units[children] & 0x7FFF_FFFF < replacements else { return false }
        }
        for label in 0..<UInt32(256) {
          let child = children ^ Int(label)
          // The label of a unit that holds a value has the highest bit and is no byte's.
          if units[child] & 0x8000_00FF == label { next[child] = max(next[child] ?? 0, matches) }
        }
      }
      if next.isEmpty { return true }
      reached = next
    }
    return false
  }
}
