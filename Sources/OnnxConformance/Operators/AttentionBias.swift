import Tensor

/// Which keys a query of ONNX's `Attention` sees: a mask, and a frontier behind which nothing is seen, which
/// lies where the keys of earlier tokens and the number of keys that are no padding put it.
struct AttentionBias {
  /// Whether query `i` sees keys `0 ... i`, and nothing else is said.
  let isPlainlyCausal: Bool
  private let given: Tensor?
  /// Which keys the frontier and the windows leave, `[batch or 1, 1, queries, keys]` of bool.
  private let visible: Tensor?
  private let queries, keys: Int

  init(_ call: NodeCall, queries: Int, keys: Int) throws {
    (self.queries, self.keys) = (queries, keys)
    given = try call.optional(3).map { mask in
      let missing = keys - (mask.shape.last ?? keys)
      guard mask.rank > 0, missing > 0 else { return mask }
      let value = mask.dtype == .bool ? 0 : -Double.infinity
      return try OperatorTable.padded(mask, [mask.rank - 1], [0, missing], "constant", value)
    }
    let isCausal = try call.flag("is_causal")
    let lengths = try call.numbers(6)
    let (left, right) = (
      try call.integer("left_window_size", default: -1), try call.integer("right_window_size", default: -1)
    )
    let past = call.optional(4)?.shape[2] ?? 0
    isPlainlyCausal = isCausal && past == 0 && lengths == nil && left < 0 && right < 0
    if isPlainlyCausal || (!isCausal && lengths == nil && left < 0 && right < 0) {
      visible = nil
      return
    }
    let offsets = call.optional(4) == nil ? lengths.map { $0.map { $0 &- queries } } ?? [0] : [past]
    // The key that stands at the place of each query.
    let places =
      Tensor(offsets, shape: [offsets.count, 1, 1, 1]) + Tensor.arange(queries).reshaped([1, 1, queries, 1])
    let numbers = Tensor.arange(keys)
    var visible = (Tensor.zeros([1, 1, queries, keys], dtype: .bool) .== false)
    if isCausal { visible = visible .& (numbers .<= places) }
    if left >= 0 { visible = visible .& (numbers .>= places - left) }
    if right >= 0 { visible = visible .& (numbers .<= places + right) }
    if let lengths { visible = visible .& (numbers .< Tensor(lengths, shape: [lengths.count, 1, 1, 1])) }
    self.visible = visible
  }

  /// What our attention takes beside the plain frontier: bool where nothing is added to scores.
  var mask: Tensor? { joined(visible) }

  /// What is added to scores, the plain frontier included.
  func added(as type: DType) -> Tensor? {
    let frontier = Tensor.arange(keys) .<= Tensor.arange(queries).reshaped([queries, 1])
    guard let mask = joined(isPlainlyCausal ? frontier : visible) else { return nil }
    guard mask.dtype == .bool else { return mask }
    return Tensor.zeros(mask.shape, dtype: type).maskedFill(.!mask, -Double.infinity)
  }

  /// The mask that was given and keys that are visible, taken together.
  private func joined(_ visible: Tensor?) -> Tensor? {
    guard let visible else { return given }
    guard let given else { return visible }
    if given.dtype == .bool { return visible .& given }
    return Tensor.select(visible, given, Tensor.full([], -Double.infinity, dtype: given.dtype))
  }
}
