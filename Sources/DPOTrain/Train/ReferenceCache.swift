import Checkpoint
import Foundation
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

  /// Looks up every pair, and computes those of batches that are not in the file.
  /// - Parameters:
  ///   - digest: Hash of a picture's bytes.
  ///   - progress: Called with the number of pairs done; may throw to stop.
  /// - Throws: `CheckpointError` when the file cannot be written; errors of the pictures.
  public func fill(
    _ pairs: [EncodedPair], batchTokens: Int, scorer: PairScorer, digest: (Picture) throws -> String,
    progress: (Int) throws -> Void
  ) throws {
    let lengths = pairs.map { pair in
      pair.promptIDs.count + (pair.rejectedPrompt?.ids.count ?? 0)
        + pair.completions.reduce(0) { $0 + $1.count }
    }
    for range in TokenBatches.consecutive(lengths: lengths, budget: batchTokens, maximumRecords: 64) {
      try compute(Array(pairs[range]), scorer: scorer, digest: digest)
      try progress(range.upperBound)
    }
    try cache.save()
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

  private func compute(
    _ batch: [EncodedPair], scorer: PairScorer, digest: (Picture) throws -> String
  ) throws {
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
    var missed = false
    let stored = try cache.tensor(for: key.finalize()) {
      missed = true
      return try noGradient { try scorer.sums(batch).scores.detached() }
    }
    if missed { computedCount += batch.count }
    for (pair, known) in zip(batch, PairLogProbabilities.of(batch, scores: stored)) {
      values[pair.id] = known
    }
  }

  /// The values of pairs that are known: those ``fill(_:batchTokens:scorer:digest:progress:)`` saw.
  public func values(of pairs: [EncodedPair]) -> [PairLogProbabilities] {
    pairs.map { values[$0.id] ?? PairLogProbabilities(chosen: .nan, rejected: .nan) }
  }
}
