/// How a word becomes pieces.
enum WordModel: Sendable {
  case bytePairs(BytePairMerges, BytePairRules)
  case unigram(UnigramModel)
  case wordPiece(prefix: String, longest: Int)
  case words

  /// What byte-pair encoding does beside its merges.
  struct BytePairRules: Sendable {
    /// Whether a word that is a piece is that piece, whatever the merges say.
    var joinsWholeWords = false
    var spellsBytes = false
    var joinsUnknown = false
  }

  /// - Parameters:
  ///   - unknown: stands for what has no piece; nothing does where that is nil.
  ///   - bytes: pieces of the 256 bytes, where all of them are pieces.
  func ids(_ word: String, _ table: PieceTable, unknown: Int32?, bytes: [Int32]) -> [Int32] {
    switch self {
    case .bytePairs(let merges, let rules):
      if rules.joinsWholeWords, let whole = table.id(of: word) { return [whole] }
      var symbols: [Int32] = []
      var wasUnknown = false
      for scalar in word.unicodeScalars {
        if let id = table.id(of: String(scalar)) {
          symbols.append(id)
          wasUnknown = false
        } else if rules.spellsBytes, !bytes.isEmpty {
          symbols += String(scalar).utf8.map { bytes[Int($0)] }
          wasUnknown = false
        } else if let unknown {
          if !(wasUnknown && rules.joinsUnknown) { symbols.append(unknown) }
          wasUnknown = true
        }
      }
      return merges.apply(to: symbols)
    case .unigram(let model): return model.ids(word, table, unknown: unknown, bytes: bytes)
    case .wordPiece(let prefix, let longest):
      let scalars = Array(word.unicodeScalars)
      guard scalars.count <= longest else { return [unknown].compactMap(\.self) }
      var ids: [Int32] = []
      var start = 0
      while start < scalars.count {
        let ends = (start + 1...scalars.count).reversed()
        let found = ends.lazy.compactMap { end -> (Int32, Int)? in
          table.id(of: (start > 0 ? prefix : "") + String(scalars[start..<end])).map { ($0, end) }
        }.first
        guard let found else { return [unknown].compactMap(\.self) }
        ids.append(found.0)
        start = found.1
      }
      return ids
    case .words: return [table.id(of: word) ?? unknown].compactMap(\.self)
    }
  }
}

/// A unigram model: the pieces whose scores have the largest sum. (Kudo 2018, arXiv:1804.10959.)
struct UnigramModel: Sendable {
  /// Log-probabilities, by id.
  let scores: [Double]
  /// Whether characters without a piece are written in bytes.
  let spellsBytes: Bool
  /// Bytes of the longest piece.
  private let longest: Int
  /// What a character without a piece costs.
  private let unknownScore: Double

  init(scores: [Double], pieces: [String], spellsBytes: Bool) {
    self.scores = scores
    self.spellsBytes = spellsBytes
    longest = pieces.map(\.utf8.count).max() ?? 0
    unknownScore = (scores.min() ?? 0) - 10
  }

  private struct Node {
    var score = 0.0
    var id: Int32 = -1
    var start = -1
  }

  func ids(_ word: String, _ table: PieceTable, unknown: Int32?, bytes: [Int32]) -> [Int32] {
    let utf8 = Array(word.utf8)
    var nodes = [Node](repeating: Node(), count: utf8.count + 1)
    func isStart(_ place: Int) -> Bool { place == utf8.count || utf8[place] & 0xC0 != 0x80 }
    var start = 0
    while start < utf8.count {
      let own = nodes[start].score
      let next = ((start + 1)...utf8.count).first(where: isStart) ?? utf8.count
      var hasOne = false
      func offer(_ end: Int, _ id: Int32, _ score: Double) {
        let sum = score + own
        guard nodes[end].start < 0 || sum > nodes[end].score else { return }
        nodes[end] = Node(score: sum, id: id, start: start)
      }
      for end in next...max(next, min(utf8.count, start + longest)) where isStart(end) {
        guard let id = table.id(of: utf8[start..<end]), scores.indices.contains(Int(id)) else { continue }
        offer(end, id, scores[Int(id)])
        if end == next { hasOne = true }
      }
      if !hasOne { offer(next, unknown ?? -1, unknownScore) }
      start = next
    }
    // Neighbours without a piece are one.
    var parts: [(range: Range<Int>, isUnknown: Bool)] = []
    var end = utf8.count
    while end > 0 {
      let node = nodes[end]
      let isUnknown = node.id == unknown || node.id < 0
      if isUnknown, let last = parts.last, last.isUnknown {
        parts[parts.count - 1].range = node.start..<last.range.upperBound
      } else {
        parts.append((node.start..<end, isUnknown))
      }
      end = node.start
    }
    return parts.reversed().flatMap { part -> [Int32] in
      let text = utf8[part.range]
      if let id = table.id(of: text) { return [id] }
      if spellsBytes, !bytes.isEmpty { return text.map { bytes[Int($0)] } }
      return [unknown].compactMap(\.self)
    }
  }
}
