/// A sum of buffers over ranks whose order of additions is fixed: rank by rank, round by round, as one
/// process would add them that made them one after the other.
///
/// Every rank adds up a piece of its own: it gets that piece of everyone's buffer, adds them in the order of
/// ranks, and at the end all get all pieces. That moves as many bytes as the usual ring does, and no bit
/// depends on what the network does.
public struct OrderedSum {
  /// The neutral element: `x + −0` is `x` for every `x`, also for both zeros.
  public static let nothing: Float = -0.0

  private let group: any RankGroup
  private let pieces: [Range<Int>]
  private let count: Int
  private var sum: [Float]
  private var received: [Float]

  /// - Parameter count: elements of each buffer.
  /// - Throws: ``RankError`` where the library cannot count so many.
  public init(_ count: Int, over group: any RankGroup) throws {
    let own = (count + group.count - 1) / group.count
    guard own * group.count <= Int(Int32.max) else {
      throw RankError.refused(
        "found \(count) weights to train, expected at most \(Int32.max) over several ranks: MPI counts so far"
      )
    }
    self.group = group
    self.count = count
    pieces = (0..<group.count).map { min($0 * own, count)..<min(($0 + 1) * own, count) }
    sum = [Float](repeating: Self.nothing, count: pieces[group.rank].count)
    received = [Float](repeating: 0, count: pieces[group.rank].count * group.count)
  }

  /// Bytes that a rank sends for one sum of `rounds` buffers.
  public static func bytesSent(_ count: Int, ranks: Int, rounds: Int) -> Int {
    let others = count - (count + ranks - 1) / ranks
    return 4 * (rounds * others + (ranks - 1) * ((count + ranks - 1) / ranks))
  }

  /// Adds one buffer of every rank.
  /// - Precondition: it has as many elements as the sum.
  /// - Throws: ``RankError``.
  public mutating func add(_ own: [Float]) throws {
    try own.withUnsafeBufferPointer { own in
      try received.withUnsafeMutableBufferPointer { try group.exchange(own, pieces: pieces, received: $0) }
    }
    let length = sum.count
    sum.withUnsafeMutableBufferPointer { sum in
      received.withUnsafeBufferPointer { received in
        for rank in 0..<group.count {
          let start = rank * length
          for index in 0..<length { sum[index] += received[start + index] }
        }
      }
    }
  }

  /// The sum, on every rank.
  /// - Throws: ``RankError``.
  public func total() throws -> [Float] {
    var all = [Float](repeating: 0, count: count)
    all.replaceSubrange(pieces[group.rank], with: sum)
    try all.withUnsafeMutableBufferPointer { try group.spread($0, pieces: pieces) }
    return all
  }
}
