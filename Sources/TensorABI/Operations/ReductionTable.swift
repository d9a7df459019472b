import Tensor

extension OperationTable {
  /// Sums and other functions of the elements along some axes, `axes` or `axis` (all without), and running
  /// ones along `axis`.
  static let reductions: [String: Operation] = [
    "sum": { call in
      let (axes, keepDims) = (try call.axes(), try call.keepDims())
      return [try call.value().moved { $0.sum(axes: axes, keepDims: keepDims) }]
    },
    "mean": { call in
      let (axes, keepDims) = (try call.axes(), try call.keepDims())
      return [try call.value().moved { $0.mean(axes: axes, keepDims: keepDims) }]
    },
    "prod": { call in
      let (axes, keepDims) = (try call.axes(), try call.keepDims())
      switch try call.value() {
      case .real(let x): return [.real(x.prod(axes: axes, keepDims: keepDims))]
      case .complex(let z):
        let order = try call.normalized(axes ?? Array(z.shape.indices), rank: z.rank)
        return [.complex(z.product(axes: order, keepDims: keepDims))]
      }
    },
    "max": reduction { $0.max(axes: $1, keepDims: $2) },
    "min": reduction { $0.min(axes: $1, keepDims: $2) },
    "logsumexp": reduction { $0.logSumExp(axes: $1, keepDims: $2) },
    "any": reduction(ofNonZero: true) { $0.any(axes: $1, keepDims: $2) },
    "all": reduction(ofNonZero: true) { $0.all(axes: $1, keepDims: $2) },
    "count_nonzero": reduction(ofNonZero: true) { $0.countNonZero(axes: $1, keepDims: $2) },
    "var": real { call in
      try call.real().variance(
        axes: try call.axes(), correction: try call.attributes.number(ifAny: "correction") ?? 0,
        keepDims: try call.keepDims())
    },
    "std": real { call in
      try call.real().standardDeviation(
        axes: try call.axes(), correction: try call.attributes.number(ifAny: "correction") ?? 0,
        keepDims: try call.keepDims())
    },
    "vector_norm": real { call in
      let order = try call.attributes.number(ifAny: "ord") ?? 2
      let (axes, keepDims) = (try call.axes(), try call.keepDims())
      switch try call.value() {
      case .real(let x): return x.norm(order, axes: axes, keepDims: keepDims)
      case .complex(let z): return z.magnitude().norm(order, axes: axes, keepDims: keepDims)
      }
    },
    "argmax": real {
      try $0.real().argmax(axis: try $0.attributes.integer(ifAny: "axis"), keepDims: try $0.keepDims())
    },
    "argmin": real {
      try $0.real().argmin(axis: try $0.attributes.integer(ifAny: "axis"), keepDims: try $0.keepDims())
    },
    "cumulative_sum": moving { $1.cumsum(axis: try $0.axis()) },
    "cumulative_prod": { call in
      switch try call.value() {
      case .real(let x): return [.real(x.cumprod(axis: try call.axis()))]
      case .complex(let z):
        let axis = try call.normalized([try call.axis()], rank: z.rank)[0]
        return [.complex(z.runningProduct(axis: axis))]
      }
    },
  ]

  private static func reduction(
    ofNonZero: Bool = false, _ body: @escaping @Sendable (Tensor, [Int]?, Bool) -> Tensor
  ) -> Operation {
    real { call in
      if ofNonZero, case .complex(let z) = try call.value() {
        return body(z.isNonZero, try call.axes(), try call.keepDims())
      }
      return body(try call.real(), try call.axes(), try call.keepDims())
    }
  }
}

extension Call {
  /// Axes counted from the front, each once.
  func normalized(_ axes: [Int], rank: Int) throws -> [Int] {
    let places = axes.map { $0 < 0 ? $0 + rank : $0 }
    guard places.allSatisfy({ (0..<rank).contains($0) }), Set(places).count == places.count else {
      throw fail("axes \(axes) are out of range, or named twice, for rank \(rank)")
    }
    return places
  }
}

extension ComplexTensor {
  /// Where numbers are not zero, as bool.
  var isNonZero: Tensor { (real .!= 0) .| (imaginary .!= 0) }

  /// The product over some axes, halves by halves.
  fileprivate func product(axes: [Int], keepDims: Bool) -> ComplexTensor {
    let kept = shape.indices.filter { !axes.contains($0) }
    let count = axes.reduce(1) { $0 * shape[$1] }
    var rest = permuted(kept + axes).reshaped(kept.map { shape[$0] } + [count])
    let last = kept.count
    var extent = count
    let one = Tensor.ones(kept.map { shape[$0] } + [1], dtype: real.dtype)
    if extent == 0 { rest = ComplexTensor(one) }
    while extent > 1 {
      let half = extent / 2
      let product = rest.slice(axis: last, 0..<half) * rest.slice(axis: last, half..<2 * half)
      rest =
        extent % 2 == 0
        ? product
        : ComplexTensor.concatenated([product, rest.slice(axis: last, 2 * half..<extent)], axis: last)
      extent = extent % 2 == 0 ? half : half + 1
    }
    return rest.reshaped(
      keepDims ? shape.indices.map { axes.contains($0) ? 1 : shape[$0] } : kept.map { shape[$0] })
  }

  fileprivate func runningProduct(axis: Int) -> ComplexTensor {
    guard shape[axis] > 1 else { return self }
    var products = [slice(axis: axis, 0..<1)]
    for index in 1..<shape[axis] {
      products.append(products[index - 1] * slice(axis: axis, index..<index + 1))
    }
    return ComplexTensor.concatenated(products, axis: axis)
  }
}
