import LVLM
import Records
import Tensor

/// The chosen answer of each pair after pictures of which the one asked about is corrupted: what mDPO's
/// image-conditional term compares with the same answer after the right pictures.
public struct CorruptedAnswers {
  /// How the picture asked about is corrupted.
  public enum Corruption: String, CaseIterable, Sendable {
    /// Almost all of it is cut off (``PictureCorruption/Kind/crop``).
    case crop
    /// It changes places with another picture of the prompt, drawn at random; where there is no other it is
    /// cropped.
    case swap
    /// Noise is laid over it (``PictureCorruption/Kind/noise``).
    case noise
  }

  private let byID: [String: EncodedPair]
  private let scorer: PairScorer
  private let reference: ([EncodedPair]) throws -> [PairLogProbabilities]

  /// - Parameters:
  ///   - pairs: what ``corrupted(_:target:_:seed:)`` made of the pairs of the objective, by their ids.
  ///   - reference: log-probabilities of their only answers under the reference.
  public init(
    _ pairs: [EncodedPair], scorer: PairScorer,
    reference: @escaping ([EncodedPair]) throws -> [PairLogProbabilities]
  ) {
    byID = Dictionary(pairs.map { ($0.id, $0) }) { first, _ in first }
    self.scorer = scorer
    self.reference = reference
  }

  /// The pair with its chosen answer alone, after pictures of which one is corrupted; a function of its
  /// arguments alone.
  /// - Parameters:
  ///   - target: place of the picture that is asked about, the first where two are compared.
  ///   - asked: places of all pictures that are asked about, with which it is not exchanged.
  ///   - grids: what the features of the pictures stand for; one is only exchanged with another that has as
  ///     many. All have when nil.
  ///   - seed: of the run; every pair of every seed is corrupted its own way, by its id.
  /// - Precondition: all pictures are files, and `target` is one of them.
  public static func corrupted(
    _ pair: EncodedPair, target: Int, asked: [Int] = [], grids: [FeatureGrid]? = nil,
    _ corruption: Corruption, seed: UInt64
  ) -> EncodedPair {
    var other = pair
    other.completions = [pair.completions[0]]
    let own = UInt64(Digest.of("\(seed) \(pair.id)").prefix(16), radix: 16) ?? seed
    func spoil(_ kind: PictureCorruption.Kind) {
      guard case .file(let path) = pair.pictures[target] else {
        tensorFailure("CorruptedAnswers", "\(pair.id) has a picture that is no file")
      }
      other.pictures[target] = .corrupted(path, PictureCorruption(kind, seed: own))
    }
    switch corruption {
    case .crop: spoil(.crop)
    case .noise: spoil(.noise)
    case .swap:
      let others = pair.pictures.indices.filter { place in
        pair.pictures[place] != pair.pictures[target] && !asked.contains(place)
          && (grids.map { $0[place].frame == $0[target].frame } ?? true)
      }
      guard !others.isEmpty else {
        spoil(.crop)
        break
      }
      var generator = RandomGenerator(seed: own, stream: 0x5357_4150_5049_43)
      other.pictures.swapAt(target, others[generator.integer(below: others.count)])
    }
    return other
  }

  /// Scores the corrupted prompts of some pairs, and how many rows the decoder had.
  /// - Precondition: all of them are known.
  func scores(of pairs: [EncodedPair]) throws -> (scores: CorruptedScores, rows: Int) {
    let others = pairs.compactMap { byID[$0.id] }
    tensorRequire(
      others.count == pairs.count, "CorruptedAnswers",
      "\(pairs.count - others.count) of \(pairs.count) pairs are unknown")
    let found = try scorer.sums(others)
    let known = try reference(others).map { Float($0.chosen) }
    return (CorruptedScores(policy: found.sums, reference: Tensor(known).to(found.sums.dtype)), found.rows)
  }
}
