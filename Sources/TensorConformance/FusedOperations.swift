import Checkpoint
import Tensor

extension OperationTable {
  static let fused: [String: Operation] = [
    "softmax": { item, x in [x[0].softmax(axis: try item.integer("dim"))] },
    "softmax.masked": { _, x in [Tensor.select(x[1] .!= 0, Tensor(-.infinity), x[0]).softmax(axis: -1)] },
    "log_softmax": { item, x in [x[0].logSoftmax(axis: try item.integer("dim"))] },
    "layer_norm": { item, x in [layerNorm(x[0], weight: x[1], bias: x[2], epsilon: try item.real("eps"))] },
    "layer_norm.2dims": { item, x in
      let rows = x[0].reshaped([x[0].shape[0], -1])
      return [layerNorm(rows, epsilon: try item.real("eps")).reshaped(x[0].shape)]
    },
    "rms_norm": { item, x in [rmsNorm(x[0], weight: x[1], epsilon: try item.real("eps"))] },
    "swiglu": { _, x in
      [linear(swiGLU(linear(x[0], weight: x[1]), linear(x[0], weight: x[2])), weight: x[3])]
    },
    "rope": { item, x in
      let shape = x[0].shape
      let positions = (0..<shape[0]).flatMap { _ in (0..<Int32(shape[2])) }
      return [unpacked(rotary(packed(x[0]), positions: positions, base: try item.real("theta")), shape)]
    },
    "sdpa": { item, x in
      let (queries, keys) = (x[0].shape[2], x[1].shape[2])
      let isCausal = item.attributes["causal"] == .integer(1)
      let lengths = x.count > 3 ? x[3].sum(axes: [1]).array(of: Int64.self).map { Int($0) } : nil
      let segments = (0..<x[0].shape[0]).flatMap { example in
        visibility(
          example, queries: queries, keys: keys, visible: lengths?[example] ?? keys, isCausal: isCausal)
      }
      let scale = item.attributes["scale"] == nil ? nil : try item.real("scale")
      let result = attention(
        query: packed(x[0]), key: packed(x[1]), value: packed(x[2]),
        layout: AttentionLayout(segments: segments),
        scale: scale)
      return [unpacked(result, x[0].shape)]
    },
    "sdpa.bias": { _, x in
      let scores = x[0].matmul(x[1].transposed()) / Double(x[0].shape[3]).squareRoot() + x[3]
      return [scores.softmax(axis: -1).matmul(x[2])]
    },
  ]

  /// Losses over a vocabulary, with the library's operator that never stores its logits: the logits here are its
  /// hidden states, under a projection that is the identity.
  static let losses: [String: Operation] = [
    "cross_entropy": { item, x in [try crossEntropy(item, x[0], x[1])] },
    "nll_loss": binary { logits, targets in -logProbabilities(logits, targets.array(of: Int32.self)).mean() },
    "token_logps": { _, x in
      let (batch, tokens, vocabulary) = (x[0].shape[0], x[0].shape[1], x[0].shape[2])
      let logits = x[0].slice(axis: 1, 0..<(tokens - 1)).reshaped([-1, vocabulary])
      let targets = x[1].slice(axis: 1, 1..<tokens).array(of: Int32.self)
      return [logProbabilities(logits, targets).reshaped([batch, tokens - 1])]
    },
  ]

  private static func logProbabilities(_ logits: Tensor, _ targets: [Int32]) -> Tensor {
    targetLogProbabilities(hidden: logits, weight: Tensor.eye(logits.shape[1]), targets: targets)
  }

  private static func crossEntropy(_ item: ConformanceCase, _ logits: Tensor, _ targets: Tensor) throws
    -> Tensor
  {
    let targets = targets.array(of: Int32.self)
    let kept = targets.indices.filter { targets[$0] >= 0 }
    let rows = Tensor(kept.map { Int64($0) })
    let counted = logits.rows(at: rows)
    let losses = -logProbabilities(counted, kept.map { targets[$0] })
    switch item.variant {
    case "sum": return losses.sum()
    case "none": return Tensor.zeros([targets.count]).replacingRows(at: rows, with: losses)
    case "smooth":
      let smoothing = try item.real("label_smoothing")
      return losses.mean() * (1 - smoothing) - counted.logSoftmax(axis: -1).mean() * smoothing
    default: return losses.mean()
    }
  }

  /// Which keys the queries of one example see; keys from `visible` on are padding.
  private static func visibility(
    _ example: Int, queries: Int, keys: Int, visible: Int, isCausal: Bool
  ) -> [AttentionLayout.Segment] {
    let (firstQuery, firstKey) = (example * queries, example * keys)
    let all = firstQuery..<(firstQuery + queries)
    let seen = firstKey..<(firstKey + visible)
    guard isCausal else { return [.init(queries: all, keys: [seen])] }
    let head = AttentionLayout.Segment(queries: firstQuery..<(firstQuery + visible), causal: seen)
    return visible == queries
      ? [head] : [head, .init(queries: (firstQuery + visible)..<all.upperBound, keys: [seen])]
  }

  /// `[batch, heads, tokens, dim]` as `[batch * tokens, heads, dim]`.
  private static func packed(_ x: Tensor) -> Tensor {
    x.transposed(1, 2).reshaped([-1, x.shape[1], x.shape[3]])
  }

  /// The inverse of ``packed(_:)``.
  private static func unpacked(_ x: Tensor, _ shape: [Int]) -> Tensor {
    x.reshaped([shape[0], shape[2], shape[1], shape[3]]).transposed(1, 2)
  }
}
