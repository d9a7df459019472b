import Checkpoint
import Tensor

extension OperationTable {
  static let attentions: [String: Operation] = [
    "swiglu": { _, x in
      [linear(swiGLU(linear(x[0], weight: x[1]), linear(x[0], weight: x[2])), weight: x[3])]
    },
    "rope": { item, x in
      let shape = x[0].shape
      let positions = (0..<shape[0]).flatMap { _ in (0..<Int32(shape[2])) }
      return [unpacked(rotary(packed(x[0]), positions: positions, base: try item.real("theta")), shape)]
    },
    "sdpa": { item, x in
      let scale = item.attributes["scale"] == nil ? nil : try item.real("scale")
      let isCausal = item.flag("causal")
      if x.count > 3, x[3].dtype.isFloatingPoint { return [biasedAttention(x, scale: scale)] }
      let (queries, keys) = (x[0].shape[2], x[1].shape[2])
      if x.count > 3, x[3].shape != [x[0].shape[0], keys] {
        let hidden = Tensor.zeros(x[3].shape).maskedFill(x[3] .== 0, -.infinity)
        return [biasedAttention(Array(x.prefix(3)) + [hidden], scale: scale)]
      }
      let mask = x.count > 3 ? x[3].array(of: Int64.self).map { $0 != 0 } : nil
      let segments = (0..<x[0].shape[0]).flatMap { example in
        let visible = mask.map { Array($0[example * keys..<(example + 1) * keys]) }
        return segmentsOf(example, queries: queries, keys: keys, visible: visible, isCausal: isCausal)
      }
      let result = attention(
        query: packed(x[0]), key: packed(x[1]), value: packed(x[2]),
        layout: AttentionLayout(segments: segments), scale: scale)
      return [unpacked(result, x[0].shape)]
    },
  ]

  /// Attention with an additive mask that has a gradient too.
  private static func biasedAttention(_ x: [Tensor], scale: Double?) -> Tensor {
    let scale = scale ?? 1 / Double(x[0].shape[3]).squareRoot()
    let repeats = x[0].shape[1] / x[1].shape[1]
    let (key, value) = (x[1].repeated(repeats, axis: 1), x[2].repeated(repeats, axis: 1))
    return (x[0].matmul(key.transposed()) * scale + x[3]).softmax(axis: -1).matmul(value)
  }

  /// What the queries of one example see: runs of visible keys, and when causal none behind the query.
  private static func segmentsOf(
    _ example: Int, queries: Int, keys: Int, visible: [Bool]?, isCausal: Bool
  ) -> [AttentionLayout.Segment] {
    let (firstQuery, firstKey) = (example * queries, example * keys)
    guard isCausal else {
      let runs = visible.map { runsOfTrue($0, from: firstKey) } ?? [firstKey..<firstKey + keys]
      return [.init(queries: firstQuery..<firstQuery + queries, keys: runs)]
    }
    guard let visible = visible ?? (queries == keys ? nil : [Bool](repeating: true, count: keys)) else {
      return [.init(queries: firstQuery..<firstQuery + queries, causal: firstKey..<firstKey + keys)]
    }
    return (0..<queries).map { query in
      let seen = runsOfTrue(Array(visible.prefix(query + 1)), from: firstKey)
      return .init(queries: firstQuery + query..<firstQuery + query + 1, keys: seen)
    }
  }

  private static func runsOfTrue(_ flags: [Bool], from start: Int) -> [Range<Int>] {
    var runs: [Range<Int>] = []
    for (index, flag) in flags.enumerated() where flag {
      if let last = runs.last, last.upperBound == start + index {
        runs[runs.count - 1] = last.lowerBound..<start + index + 1
      } else {
        runs.append(start + index..<start + index + 1)
      }
    }
    return runs
  }

  /// `[batch, heads, tokens, dim]` as `[batch * tokens, heads, dim]`.
  private static func packed(_ x: Tensor) -> Tensor {
    x.transposed(1, 2).reshaped([x.shape[0] * x.shape[2], x.shape[1], x.shape[3]])
  }

  /// The inverse of ``packed(_:)``.
  private static func unpacked(_ x: Tensor, _ shape: [Int]) -> Tensor {
    x.reshaped([shape[0], shape[2], shape[1], shape[3]]).transposed(1, 2)
  }
}
