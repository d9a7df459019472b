import Tensor

extension TorchTable {
  static let reductions: [String: TorchOperation] = [
    "sum": reducing { $0.sum(axes: $1, keepDims: $2) },
    "mean": reducing { $0.mean(axes: $1, keepDims: $2) },
    "prod": reducing { $0.prod(axes: $1, keepDims: $2) },
    "amax": reducing { $0.max(axes: $1, keepDims: $2) },
    "amin": reducing { $0.min(axes: $1, keepDims: $2) },
    "any": reducing { $0.any(axes: $1, keepDims: $2) },
    "all": reducing { $0.all(axes: $1, keepDims: $2) },
    "logsumexp": reducing { $0.logSumExp(axes: $1, keepDims: $2) },
    "count_nonzero": { call in [(try call.tensor()).countNonZero(axes: try call.axes())] },
    "var": { call in [try moments(call) { $0.variance(axes: $1, correction: $2, keepDims: $3) }] },
    "std": { call in [try moments(call) { $0.standardDeviation(axes: $1, correction: $2, keepDims: $3) }] },
    "var_mean": { call in
      [
        try moments(call) { $0.variance(axes: $1, correction: $2, keepDims: $3) },
        try moments(call) { x, axes, _, keeps in x.mean(axes: axes, keepDims: keeps) },
      ]
    },
    "std_mean": { call in
      [
        try moments(call) { $0.standardDeviation(axes: $1, correction: $2, keepDims: $3) },
        try moments(call) { x, axes, _, keeps in x.mean(axes: axes, keepDims: keeps) },
      ]
    },
    "max.reduction_no_dim": one { $0.max() }, "min.reduction_no_dim": one { $0.min() },
    "max.reduction_with_dim": { call in
      let (x, axis, keeps) = (try call.tensor(), try call.integer(1, "dim"), try call.flag(2, "keepdim"))
      return [x.max(axis: axis, keepDims: keeps), x.argmax(axis: axis, keepDims: keeps)]
    },
    "min.reduction_with_dim": { call in
      let (x, axis, keeps) = (try call.tensor(), try call.integer(1, "dim"), try call.flag(2, "keepdim"))
      return [x.min(axis: axis, keepDims: keeps), x.argmin(axis: axis, keepDims: keeps)]
    },
    "aminmax": { call in
      let (x, axes, keeps) = (try call.tensor(), try call.axes(), try call.flag(2, "keepdim"))
      return [x.min(axes: axes, keepDims: keeps), x.max(axes: axes, keepDims: keeps)]
    },
    "argmax": { call in
      [
        (try call.tensor()).argmax(
          axis: try call.optionalInteger(1, "dim"), keepDims: try call.flag(2, "keepdim"))
      ]
    },
    "argmin": { call in
      [
        (try call.tensor()).argmin(
          axis: try call.optionalInteger(1, "dim"), keepDims: try call.flag(2, "keepdim"))
      ]
    },
    "norm": { call in
      let order = try order(call, 1, "p")
      let (axes, keeps) = (try call.axes(2), try call.flag(3, "keepdim"))
      let x = try call.tensor().converted(try call.type(4))
      switch order {
      case .number(let p): return [x.norm(p, axes: axes, keepDims: keeps)]
      case .frobenius: return [x.norm(2, axes: axes, keepDims: keeps)]
      case .nuclear: return [try matrixNorm(x, .nuclear, axes ?? [-2, -1], keeps)]
      }
    },
    "linalg.vector_norm": { call in
      let x = try call.tensor().converted(try call.type(4))
      return [
        x.norm(
          try call.real(1, "ord", default: 2), axes: try call.axes(2), keepDims: try call.flag(3, "keepdim"))
      ]
    },
    "dist": { call in [(try call.tensor() - call.tensor(1, "other")).norm(try call.real(2, "p", default: 2))]
    },
    "trace": one { $0.trace() },
  ]

  static let scansAndSorts: [String: TorchOperation] = [
    "softmax": { call in
      [try call.tensor().converted(try call.type(2)).softmax(axis: try call.integer(1, "dim"))]
    },
    "log_softmax": { call in
      [try call.tensor().converted(try call.type(2)).logSoftmax(axis: try call.integer(1, "dim"))]
    },
    "nn.functional.softmin": { call in
      [(-(try call.tensor())).converted(try call.type(4)).softmax(axis: try call.integer(1, "dim"))]
    },
    "nn.functional.normalize": { call in
      [
        try call.tensor().normalized(
          axis: try call.integer(2, "dim", default: 1), order: try call.real(1, "p", default: 2),
          epsilon: try call.real(3, "eps", default: 1e-12))
      ]
    },
    "cumsum": alongAxis { $0.cumsum(axis: $1) },
    "cumprod": alongAxis { $0.cumprod(axis: $1) },
    "logcumsumexp": alongAxis { $0.logCumSumExp(axis: $1) },
    "sort": { call in
      let (x, axis) = (try call.tensor(), try call.integer(1, "dim", default: -1))
      let sorted = x.sorted(axis: axis, descending: try call.flag(2, "descending"))
      return [sorted.values, try named(sorted.indices, x, axis, call)]
    },
    "argsort": { call in
      let (x, axis) = (try call.tensor(), try call.integer(1, "dim", default: -1))
      return [try named(x.argsort(axis: axis, descending: try call.flag(2, "descending")), x, axis, call)]
    },
    "msort": one { $0.sorted(axis: 0).values },
    "topk": { call in
      let x = try call.tensor()
      let axis = try call.integer(2, "dim", default: -1)
      let found = x.topK(
        try call.integer(1, "k"), axis: axis,
        largest: try call.flag(3, "largest", default: true))
      return [found.values, try named(found.indices, x, axis, call)]
    },
    "unique": { call in
      try call.requireAbsent(4, "dim")
      let found = try call.tensor().unique()
      return [found.values] + (try call.flag(2, "return_inverse") ? [found.inverse] : [])
        + (try call.flag(3, "return_counts") ? [found.counts] : [])
    },
    "nonzero": { call in
      let places = try call.tensor().nonZero()
      guard try call.flag(1, "as_tuple") else { return [places] }
      return (0..<places.shape[1]).map { places.slice(axis: 1, $0..<$0 + 1).squeezed(axis: 1) }
    },
    "argwhere": one { $0.nonZero() },
  ]

  /// Indices where the order of equal elements is promised, else the elements that they name.
  private static func named(_ indices: Tensor, _ x: Tensor, _ axis: Int, _ call: TorchCall) throws -> Tensor {
    try call.flag(9, "stable") ? indices : x.gather(axis: axis, indices)
  }

  /// An operator that reduces some axes, after a conversion where the call asks for one.
  static func reducing(
    _ body: @escaping @Sendable (Tensor, _ axes: [Int]?, _ keepDims: Bool) -> Tensor
  ) -> TorchOperation {
    { call in
      let x = try call.tensor().converted(try call.type(3))
      return [body(x, try call.axes(), try call.flag(2, "keepdim")).converted(try call.type(3))]
    }
  }

  private static func alongAxis(_ body: @escaping @Sendable (Tensor, Int) -> Tensor) -> TorchOperation {
    { call in
      let type = try call.type(2)
      return [body(try call.tensor().converted(type), try call.integer(1, "dim")).converted(type)]
    }
  }

  /// The arguments of variances: an axis or several, and a correction that may be written as a truth value.
  private static func moments(
    _ call: TorchCall, _ body: (Tensor, [Int]?, Double, Bool) -> Tensor
  ) throws -> Tensor {
    var correction = 1.0
    var axes: [Int]?
    if call.arguments.count > 1, case .flag(let isUnbiased) = call.arguments[1] {
      correction = isUnbiased ? 1 : 0
    } else {
      axes = try call.axes()
      correction = try call.flag(2, "unbiased", default: true) ? 1 : 0
    }
    if let written = call.keywords["correction"]?.number { correction = written.asDouble }
    return body(try call.tensor(), axes, correction, try call.flag(3, "keepdim"))
  }

  /// The order of a norm as PyTorch writes it.
  enum Order {
    case number(Double)
    case frobenius
    case nuclear
  }

  static func order(_ call: TorchCall, _ position: Int, _ name: String) throws -> Order {
    switch call[position, name] {
    case nil, .text("fro")?: return .frobenius
    case .text("nuc")?: return .nuclear
    case .text("inf")?: return .number(.infinity)
    case .text("-inf")?: return .number(-.infinity)
    default: return .number(try call.real(position, name))
    }
  }
}

extension Tensor {
  /// Converted where a type is given.
  func converted(_ type: DType?) -> Tensor { type.map { to($0) } ?? self }
}
