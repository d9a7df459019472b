import Tensor

/// A preference loss: a name, the options it reads, and a value per pair.
///
/// To add one, write an extension with a static constant in a file of its family and list it in ``registry``.
public struct PreferenceLoss: Sendable {
  /// TRL's `loss_type`.
  public let name: String
  /// The options that change its value, besides β.
  public let reads: Set<LossOption>
  /// False when a pair's value depends on the rest of the batch, so that accumulation is not the large batch.
  public let isPerPair: Bool
  /// Whether the reference's log-probabilities change its value.
  public let readsReference: Bool
  /// Whether it is the mean over the tokens of the chosen answers, which is of a step and of no single pair.
  public let isLikelihood: Bool
  let check: @Sendable (LossOptions) throws -> Void
  let values: @Sendable (PreferenceScores, LossOptions) -> Tensor

  init(
    _ name: String, reads: Set<LossOption> = [], isPerPair: Bool = true, readsReference: Bool = true,
    isLikelihood: Bool = false, check: @escaping @Sendable (LossOptions) throws -> Void = { _ in },
    values: @escaping @Sendable (PreferenceScores, LossOptions) -> Tensor
  ) {
    self.name = name
    self.reads = reads
    self.isPerPair = isPerPair
    self.readsReference = readsReference
    self.isLikelihood = isLikelihood
    self.check = check
    self.values = values
  }

  /// Every loss of the package, in the order the documentation lists them.
  public static let registry: [PreferenceLoss] = [
    .sigmoid, .sigmoidNorm, .robust, .hinge, .ipo, .exoPair, .ncaPair, .bcoPair, .sppoHard, .apoZero,
    .apoDown, .discopop, .aot, .aotUnpaired, .ktoPair, .dpop, .simpo, .cpo, .orpo, .sft,
  ]

  /// The loss called `name`.
  /// - Throws: ``LossError/unknownLoss(_:known:)``.
  public static func named(_ name: String) throws -> PreferenceLoss {
    guard let loss = registry.first(where: { $0.name == name }) else {
      throw LossError.unknownLoss(name, known: registry.map(\.name))
    }
    return loss
  }

  /// Refuses values out of range and an option that is set although this loss would ignore it.
  /// - Throws: ``LossError``.
  public func validate(_ options: LossOptions) throws {
    guard options.beta > 0, options.beta.isFinite else {
      throw LossError.invalidOption("beta", loss: name, found: options.beta, expected: "a number above 0")
    }
    for option in options.set where !reads.contains(option) {
      throw LossError.unreadOption(
        option, loss: name, readBy: Self.registry.filter { $0.reads.contains(option) }.map(\.name))
    }
    if options.alphaDivergenceCoefficient != nil, options.divergence != .alpha {
      throw LossError.unreadOption(
        .alphaDivergenceCoefficient, loss: name, readBy: ["f_divergence_type alpha_divergence"])
    }
    if let alpha = options.alphaDivergenceCoefficient, !(alpha > 0 && alpha < 1) {
      throw LossError.invalidOption(
        LossOption.alphaDivergenceCoefficient.rawValue, loss: name, found: alpha,
        expected: "a number between 0 and 1")
    }
    try check(options)
  }

  /// The loss of each pair, `[pairs]`, with gradients to the policy's log-probabilities.
  public func callAsFunction(_ scores: PreferenceScores, _ options: LossOptions) -> Tensor {
    values(scores, options)
  }
}

/// Refuses a label smoothing outside `range`.
func requireSmoothing(_ range: Range<Double>, of loss: String) -> @Sendable (LossOptions) throws -> Void {
  { options in
    let found = options.labelSmoothing ?? 0
    guard range.contains(found) else {
      throw LossError.invalidOption(
        LossOption.labelSmoothing.rawValue, loss: loss, found: found,
        expected: "at least \(range.lowerBound) and below \(range.upperBound)")
    }
  }
}
