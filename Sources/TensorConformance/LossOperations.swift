import Checkpoint
import Tensor

extension OperationTable {
  static let losses: [String: Operation] = [
    "cross_entropy": { item, x in
      [
        crossEntropy(
          x[0], targets: x[1], ignoring: try item.integer("ignore_index", default: -100),
          labelSmoothing: try item.real("label_smoothing", default: 0), reduction: try reduction(item))
      ]
    },
    "nll_loss": { item, x in
      [
        nllLoss(
          x[0].logSoftmax(axis: -1), targets: x[1], ignoring: try item.integer("ignore_index", default: -100),
          reduction: try reduction(item))
      ]
    },
    "token_logps": { _, x in
      // The operator that never stores logits: here they are its hidden states, under a projection that is
      // the identity.
      let (batch, tokens, vocabulary) = (x[0].shape[0], x[0].shape[1], x[0].shape[2])
      let logits = x[0].slice(axis: 1, 0..<(tokens - 1)).reshaped([-1, vocabulary])
      let targets = x[1].slice(axis: 1, 1..<tokens).array(of: Int32.self)
      let found = targetLogProbabilities(hidden: logits, weight: Tensor.eye(vocabulary), targets: targets)
      return [found.reshaped([batch, tokens - 1])]
    },
    "bce_with_logits": { item, x in
      [binaryCrossEntropy(logits: x[0], targets: x[1], reduction: try reduction(item))]
    },
    "kl_div": { item, x in
      let isBatchMean =
        item.attributes["reduction"] == nil || item.attributes["reduction"]?.text == "batchmean"
      let sum = klDivergence(
        logProbabilities: x[0].logSoftmax(axis: -1), target: x[1].softmax(axis: -1),
        reduction: isBatchMean ? .sum : try reduction(item))
      return [isBatchMean ? sum / Double(x[0].shape[0]) : sum]
    },
    "mse_loss": { item, x in [mseLoss(x[0], x[1], reduction: try reduction(item))] },
    "l1_loss": { item, x in [l1Loss(x[0], x[1], reduction: try reduction(item))] },
    "smooth_l1": { item, x in
      [
        smoothL1Loss(
          x[0], x[1], beta: try item.real("beta", default: 1), reduction: try reduction(item))
      ]
    },
  ]

  /// The attribute `reduction`, else what the name of the case or its expression says, else the mean.
  private static func reduction(_ item: ConformanceCase) throws -> Reduction {
    let written = item.attributes["reduction"]?.text
    for (name, value) in [("sum", Reduction.sum), ("none", .none), ("mean", .mean)] {
      if written == name || (written == nil && item.expression.contains("reduction=\(name)")) { return value }
    }
    if let written { throw ConformanceError("unknown reduction `\(written)`") }
    return switch item.variant {
    case "sum": .sum
    case "none": .none
    default: .mean
    }
  }
}
