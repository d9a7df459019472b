import Tensor

extension OperatorTable {
  static let losses: [String: OnnxOperator] = [
    "NegativeLogLikelihoodLoss": { call in [try loss(call, of: try call.tensor())] },
    "SoftmaxCrossEntropyLoss": { call in
      let probabilities = try call.tensor().logSoftmax(axis: 1)
      if call.inputs.count < 3, !call.needs(1) {
        let rows = try call.tensor().moved(axis: 1, to: -1)
        return [
          crossEntropy(
            rows, targets: try call.tensor(1),
            ignoring: try call.integer("ignore_index", default: Int(Int32.min)),
            reduction: try reduction(call))
        ]
      }
      return [try loss(call, of: probabilities), probabilities]
    },
  ]

  private static func reduction(_ call: NodeCall) throws -> Reduction {
    switch try call.text("reduction", default: "mean") {
    case "none": .none
    case "sum": .sum
    default: .mean
    }
  }

  /// The negative log-probabilities of class numbers; our loss has no weights of classes, which multiply the
  /// single losses, and a mean is over the weights.
  private static func loss(_ call: NodeCall, of probabilities: Tensor) throws -> Tensor {
    let targets = try call.tensor(1)
    let ignored = try call.integer("ignore_index", default: Int(Int32.min))
    let rows = probabilities.moved(axis: 1, to: -1)
    let kind = try reduction(call)
    guard let weight = call.optional(2) else {
      return nllLoss(rows, targets: targets, ignoring: ignored, reduction: kind)
    }
    let counts = targets .!= ignored
    let classes = Tensor.select(counts, targets, Tensor.zeros(like: targets))
    let weights = weight.rows(at: classes) * counts.to(weight.dtype)
    let single = nllLoss(rows, targets: targets, ignoring: ignored, reduction: .none) * weights
    switch kind {
    case .none: return single
    case .sum: return single.sum()
    case .mean: return single.sum() / weights.sum()
    }
  }
}
