import Tensor

/// Queries, keys and values of ONNX's `Attention` as `[batch, heads, tokens, dim]`, with the keys and values
/// of earlier tokens in front.
struct AttentionHeads {
  let query, key, value: Tensor
  let scale: Double
  /// Whether heads came side by side and go back like that.
  private let isFlat: Bool

  init(_ call: NodeCall) throws {
    func cut(_ input: Int, _ heads: String) throws -> Tensor {
      let x = try call.tensor(input)
      return x.rank == 3 ? try Self.cut(x, call.integer(heads)).transposed(1, 2) : x
    }
    isFlat = try call.tensor().rank == 3
    query = try cut(0, "q_num_heads")
    let (key, value) = (try cut(1, "kv_num_heads"), try cut(2, "kv_num_heads"))
    try call.require(
      query.rank == 4 && key.rank == 4 && value.rank == 4 && key.shape[1] > 0, "\(query.shape)")
    self.key = try call.optional(4).map { try Tensor.concatenated(validating: [$0, key], axis: 2) } ?? key
    self.value =
      try call.optional(5).map { try Tensor.concatenated(validating: [$0, value], axis: 2) } ?? value
    scale = try call.real("scale", default: 1 / Double(query.shape[3]).squareRoot())
  }

  /// `[batch, tokens, heads · dim]` as `[batch, tokens, heads, dim]`.
  static func cut(_ x: Tensor, _ heads: Int) throws -> Tensor {
    guard x.rank == 3, heads > 0, x.shape[2] % heads == 0 else {
      throw OnnxError("\(heads) heads for shape \(x.shape)")
    }
    return x.reshaped([x.shape[0], x.shape[1], heads, x.shape[2] / heads])
  }

  /// A result in the layout that the queries came in.
  func unpacked(_ result: Tensor) -> Tensor {
    guard isFlat else { return result }
    return result.transposed(1, 2).reshaped([result.shape[0], result.shape[2], -1])
  }
}
