import Checkpoint
import Foundation
import LVLM
import Tensor

/// A reference that follows the model that is trained (TR-DPO, Gorbatovski et al. 2024, arXiv:2404.09656;
/// TRL's `sync_ref_model`): every so many steps π_ref ← α π + (1 − α) π_ref, weight by weight.
public final class MovingReference {
  /// What its weights are called in checkpoints, before their names in the model.
  static let prefix = "reference."

  private let model: VisionLanguageModel
  private let interval: Int
  private let mixup: Double
  private let moved: () throws -> Void

  /// - Parameters:
  ///   - model: the reference, a model of its own, in Float32.
  ///   - interval: steps between two moves.
  ///   - mixup: α; 0 never moves, 1 takes the trained weights.
  ///   - moved: called after a move, where something is kept that depends on the weights.
  /// - Precondition: `interval` is positive, `mixup` is from 0 to 1.
  public init(
    _ model: VisionLanguageModel, every interval: Int, mixup: Double, moved: @escaping () throws -> Void = {}
  ) {
    tensorRequire(
      interval > 0 && mixup >= 0 && mixup <= 1, "MovingReference",
      "steps above 0 and a mixup from 0 to 1 are needed, found \(interval) and \(mixup)")
    self.model = model
    self.interval = interval
    self.mixup = mixup
    self.moved = moved
  }

  /// Moves towards a model when it is time to, in what of it is trained.
  /// - Parameter step: steps that were taken.
  func follow(_ policy: VisionLanguageModel, afterStep step: Int) throws {
    guard mixup > 0, step % interval == 0 else { return }
    for (own, trained) in pairs(policy) {
      own.parameter.tensor = noGradient {
        let new = trained.tensor.detached()
        // A product is memory of its own: the trained weights go on changing.
        return mixup == 1 ? new * 1 : new * mixup + own.parameter.tensor * (1 - mixup)
      }
    }
    try moved()
  }

  /// The weights that move, as a checkpoint holds them; none where they never do.
  func entries(of policy: VisionLanguageModel) -> [TrainingCheckpoint.Entry] {
    mixup == 0
      ? [] : pairs(policy).map { (Self.prefix + $0.own.name, $0.own.parameter.tensor.detached()) }
  }

  /// Takes the weights of a checkpoint one after the other.
  struct Loader {
    private let file: URL
    private let moved: () throws -> Void
    private var missing: [String: Parameter]

    init(_ reference: MovingReference, of policy: VisionLanguageModel, from file: URL) {
      self.file = file
      moved = reference.moved
      missing = Dictionary(
        uniqueKeysWithValues: reference.entries(of: policy).map(\.name).map { name in
          (name, reference.byName[String(name.dropFirst(MovingReference.prefix.count))]!)
        })
    }

    /// Takes an entry of the file.
    /// - Returns: whether it is the reference's.
    mutating func take(_ entry: TrainingCheckpoint.Entry) throws -> Bool {
      guard let parameter = missing.removeValue(forKey: entry.name) else { return false }
      try ModelState.requireShape(entry.tensor, parameter, entry.name, file)
      parameter.tensor = entry.tensor
      return true
    }

    /// - Throws: `CheckpointError` naming a weight that the file did not have.
    func finish() throws {
      guard let (name, parameter) = missing.min(by: { $0.key < $1.key }) else { return try moved() }
      throw CheckpointError(
        .missing, file: file.path, at: "/model/\(name)", found: "no such parameter",
        expected: "\(parameter.shape)")
    }
  }

  private var byName: [String: Parameter] {
    Dictionary(model.namedParameters().map { ($0.name, $0.parameter) }) { first, _ in first }
  }

  private func pairs(_ policy: VisionLanguageModel) -> [(own: NamedParameter, trained: Parameter)] {
    let own = byName
    return policy.trainableParameters().compactMap { name, trained in
      own[name].map { ((name: name, parameter: $0), trained) }
    }
  }
}
