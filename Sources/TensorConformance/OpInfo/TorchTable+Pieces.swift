import Tensor

/// Tensors put together and taken apart.
extension TorchTable {
  static let pieces: [String: TorchOperation] = [
    "cat": { call in
      [Tensor.concatenated(try call.tensors(), axis: try call.integer(1, "dim", default: 0))]
    },
    "stack": { call in [Tensor.stacked(try call.tensors(), axis: try call.integer(1, "dim", default: 0))] },
    "hstack": { call in
      let parts = try call.tensors().map { $0.rank == 0 ? $0.reshaped([1]) : $0 }
      return [Tensor.concatenated(parts, axis: parts.first?.rank == 1 ? 0 : 1)]
    },
    "vstack": { call in
      [Tensor.concatenated(try call.tensors().map { $0.rank < 2 ? $0.reshaped([1, -1]) : $0 }, axis: 0)]
    },
    "split": split, "split.list_args": split, "unsafe_split": split, "split_with_sizes": split,
    "split_with_sizes_copy": split,
    "chunk": { call in
      try call.tensor().chunked(try call.integer(1, "chunks"), axis: try call.integer(2, "dim", default: 0))
    },
    "unsafe_chunk": { call in
      try call.tensor().chunked(try call.integer(1, "chunks"), axis: try call.integer(2, "dim", default: 0))
    },
    "unbind": unbound, "unbind_copy": unbound,
    "narrow": narrowed, "narrow_copy": narrowed,
    "select": { call in
      let x = try call.tensor()
      return [x.indexed(try lead(x, try call.integer(1, "dim")) + [.index(try call.integer(2, "index"))])]
    },
    "slice": { call in
      let x = try call.tensor()
      let bounds = TensorIndex.range(
        from: try call.optionalInteger(2, "start"), to: try call.optionalInteger(3, "end"),
        step: try call.integer(4, "step", default: 1))
      return [x.indexed(try lead(x, try call.integer(1, "dim", default: 0)) + [bounds])]
    },
    "unfold": unfolded, "unfold_copy": unfolded,
    "diagonal": { call in try diagonal(call, 0, 1) },
    "diagonal_copy": { call in try diagonal(call, 0, 1) },
    "linalg.diagonal": { call in try diagonal(call, -2, -1) },
    "nn.functional.pad": { call in
      [
        try padded(
          try call.tensor(), try call.integers(1, "pad"), try call.text(2, "mode", default: "constant"),
          try call.real(3, "value", default: 0))
      ]
    },
    "constant_pad_nd": { call in
      [
        try padded(
          try call.tensor(), try call.integers(1, "pad"), "constant", try call.real(2, "value", default: 0))
      ]
    },
  ]

  private static let split: TorchOperation = { call in
    let (x, axis) = (try call.tensor(), try call.integer(2, "dim", default: 0))
    if case .list? = call[1, "split_size"] { return x.split(try call.integers(1, "split_size"), axis: axis) }
    let size = try call.integer(1, "split_size")
    guard let extent = x.shape.dropFirst(axis < 0 ? axis + x.rank : axis).first, size > 0 else {
      throw TorchCallError.unwritable("pieces of \(size) along axis \(axis) of \(x.shape)")
    }
    return x.split(stride(from: 0, to: max(extent, 1), by: size).map { min(size, extent - $0) }, axis: axis)
  }

  private static let unbound: TorchOperation = { call in
    try call.tensor().unstacked(axis: try call.integer(1, "dim", default: 0))
  }

  private static let narrowed: TorchOperation = { call in
    let (x, axis) = (try call.tensor(), try call.integer(1, "dim"))
    let start: Int
    if case .tensor(let place)? = call[2, "start"] {
      guard place.count == 1, !place.dtype.isFloatingPoint, place.dtype != .bool else {
        throw TorchCallError.unwritable("a start \(place.dtype)\(place.shape)")
      }
      start = place.item(of: Int.self)
    } else {
      start = try call.integer(2, "start")
    }
    let count = try call.integer(3, "length")
    let front = try lead(x, axis).count
    let from = start < 0 ? start + x.shape[front] : start
    guard count >= 0 else { throw TorchCallError.unwritable("a range of \(count) elements") }
    return [x.slice(axis: axis, from..<from + count)]
  }

  private static let unfolded: TorchOperation = { call in
    [
      try call.tensor().unfolded(
        axis: try call.integer(1, "dimension"), size: try call.integer(2, "size"),
        step: try call.integer(3, "step"))
    ]
  }

  private static func diagonal(_ call: TorchCall, _ first: Int, _ second: Int) throws -> [Tensor] {
    [
      try call.tensor().diagonal(
        offset: try call.integer(1, "offset", default: 0), axis1: try call.integer(2, "dim1", default: first),
        axis2: try call.integer(3, "dim2", default: second))
    ]
  }

  /// Whole axes before one, as positions of a subscript.
  static func lead(_ x: Tensor, _ axis: Int) throws -> [TensorIndex] {
    let place = axis < 0 ? axis + x.rank : axis
    guard x.shape.indices.contains(place) else {
      throw TorchCallError.unwritable("a subscript at axis \(axis) of \(x.shape)")
    }
    return [TensorIndex](repeating: .range(from: nil, to: nil, step: 1), count: place)
  }

  /// PyTorch lists (before, after) for the last axis first.
  private static func padded(_ x: Tensor, _ listed: [Int], _ mode: String, _ value: Double) throws -> Tensor {
    guard listed.count % 2 == 0, listed.count <= 2 * x.rank, let mode = PaddingMode(rawValue: mode) else {
      throw TorchCallError.unwritable("pad \(listed) of \(x.shape) in mode \(mode)")
    }
    let widths = (0..<x.rank).map { axis in
      let place = 2 * (x.rank - 1 - axis)
      return place < listed.count
        ? (before: listed[place], after: listed[place + 1]) : (before: 0, after: 0)
    }
    return x.padded(widths, mode: mode, value: value)
  }
}
