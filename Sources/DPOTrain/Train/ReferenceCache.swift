import Checkpoint
import Foundation
import Ranks
import Records
import Tensor

/// Log-probabilities of pairs under the reference model, computed once, all beforehand or each when it is
/// first asked for, and kept in HDF5.
///
/// Everything they depend on is in the key: weights and processing in the file's fingerprint; picture bytes,
/// token ids and the neighbours in the batch (they decide the last bits) in each batch's key. A key that does
/// not match is computed again.
public final class ReferenceCache {
  private let cache: TensorCache
  private var values: [String: PairLogProbabilities] = [:]
  private var pictureDigests: [Picture: String] = [:]
  /// Pairs that had to be computed by ``fill(_:batchTokens:scorer:digest:progress:)``.
  public private(set) var computedCount = 0

  /// - Parameter fingerprint: Hash of the reference's weights and of the image processing.
  public init(_ url: URL, fingerprint: String) {
    cache = TensorCache(url, fingerprint: fingerprint, saveInterval: 16)
  }

  /// Why an existing file was not used, or nil.
  public var discarded: String? { cache.discarded }

  /// Looks up every pair, and computes those of batches that are not in the file, on every rank its share.
  /// - Parameters:
  ///   - digest: Hash of a picture's bytes.
  ///   - team: the ranks that compute, of which this is the lead; the others call
  ///     ``follow(_:batchTokens:scorer:team:)``.
  ///   - progress: Called with the number of pairs done; may throw to stop.
  /// - Throws: `CheckpointError` when the file cannot be written; errors of the pictures.
  public func fill(
    _ pairs: [EncodedPair], batchTokens: Int, scorer: PairScorer, digest: (Picture) throws -> String,
    team: RankTeam = .alone, progress: (Int) throws -> Void
  ) throws {
    let batches = Self.batches(pairs, batchTokens: batchTokens)
    let keys = try batches.map { try key(of: $0, digest) }
    let missing = batches.indices.filter { cache[keys[$0]] == nil }
    var left = missing[...]
    var done = pairs.count - missing.reduce(0) { $0 + batches[$1].count }
    try progress(done)
    try team.divide(
      missing, stop: { try progress(done) }, compute: { try Self.scores(batches[$0], scorer) },
      sent: Self.sent
    ) { scores in
      guard let index = left.popFirst() else { return }
      try cache.insert(scores, for: keys[index])
      computedCount += batches[index].count
      done += batches[index].count
      try progress(done)
    }
    for (batch, key) in zip(batches, keys) {
      if let stored = cache[key] { take(stored, of: batch) }
    }
    try cache.save()
  }

  /// What a rank other than the lead computes of ``fill(_:batchTokens:scorer:digest:team:progress:)``.
  /// - Throws: errors of the pictures, or of the ranks.
  public static func follow(
    _ pairs: [EncodedPair], batchTokens: Int, scorer: PairScorer, team: RankTeam
  ) throws {
    let batches = batches(pairs, batchTokens: batchTokens)
    try team.divide(
      [], stop: { try Interruption.check("reference log-probabilities") },
      compute: { try scores(batches[$0], scorer) }, sent: sent
    ) { _ in }
  }

  /// The values of pairs, computed when they are asked for the first time, each pair by itself: its value
  /// then depends on no other pair, so that a resumed run has the same bits.
  /// - Parameter digest: Hash of a picture's bytes.
  /// - Throws: `CheckpointError` when the file cannot be written; errors of the pictures.
  public func values(
    of pairs: [EncodedPair], scorer: PairScorer, digest: (Picture) throws -> String
  ) throws -> [PairLogProbabilities] {
    for pair in pairs where values[pair.id] == nil { try compute([pair], scorer: scorer, digest: digest) }
    return values(of: pairs)
  }

  /// Writes what was computed since the last time.
  /// - Throws: `CheckpointError` when the file cannot be written.
  public func save() throws { try cache.save() }

  private static func batches(_ pairs: [EncodedPair], batchTokens: Int) -> [[EncodedPair]] {
    let lengths = pairs.map { pair in
      pair.promptIDs.count + (pair.rejectedPrompt?.ids.count ?? 0)
        + pair.completions.reduce(0) { $0 + $1.count }
    }
    return TokenBatches.consecutive(lengths: lengths, budget: batchTokens, maximumRecords: 64).map {
      Array(pairs[$0])
    }
  }

  private static func scores(_ batch: [EncodedPair], _ scorer: PairScorer) throws -> Tensor {
    try noGradient { try scorer.sums(batch).scores.detached() }
  }

  /// Everything that the values of a batch depend on beside the fingerprint.
  private func key(of batch: [EncodedPair], _ digest: (Picture) throws -> String) throws -> String {
    var key = Digest()
    for pair in batch {
      for picture in pair.allPictures {
        let known = try pictureDigests[picture] ?? digest(picture)
        pictureDigests[picture] = known
        key.update(known)
      }
      key.update(pair.promptIDs.map(String.init).joined(separator: " "))
      if let other = pair.rejectedPrompt { key.update(other.ids.map(String.init).joined(separator: " ")) }
      for completion in pair.completions {
        key.update(completion.map(String.init).joined(separator: " "))
      }
    }
    return key.finalize()
  }

  private func compute(
    _ batch: [EncodedPair], scorer: PairScorer, digest: (Picture) throws -> String
  ) throws {
    var missed = false
    let stored = try cache.tensor(for: try key(of: batch, digest)) {
      missed = true
      return try Self.scores(batch, scorer)
    }
    if missed { computedCount += batch.count }
    take(stored, of: batch)
  }

  private func take(_ stored: Tensor, of batch: [EncodedPair]) {
    for (pair, known) in zip(batch, PairLogProbabilities.of(batch, scores: stored)) {
      values[pair.id] = known
    }
  }

  /// Scores on their way from one rank to another.
  private static var sent: (encode: (Tensor) -> [UInt8], decode: ([UInt8]) -> Tensor) {
    (
      encode: { scores in scores.array(of: Float.self).withUnsafeBytes { Array($0) } },
      decode: { bytes in
        let scores = bytes.withUnsafeBytes { bytes in
          (0..<bytes.count / 4).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
        }
        return Tensor(scores)
      }
    )
  }

  /// The values of pairs that are known: those ``fill(_:batchTokens:scorer:digest:progress:)`` saw.
  public func values(of pairs: [EncodedPair]) -> [PairLogProbabilities] {
    pairs.map { values[$0.id] ?? PairLogProbabilities(chosen: .nan, rejected: .nan) }
  }
}
