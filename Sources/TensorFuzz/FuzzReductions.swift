import Tensor

// MARK: Along axes

extension FuzzOperation {
  static var reductions: [FuzzOperation] {
    [
      reduction("sum", "sum", types: [.float32, .float64, .int32, .int64, .bool, .float16, .bfloat16]) {
        $0.sum(axes: $1, keepDims: $2)
      },
      reduction("mean", "mean", allowsEmpty: false) { $0.mean(axes: $1, keepDims: $2) },
      reduction("amax", "amax", types: floats + [.int32, .int64], allowsEmpty: false) {
        $0.max(axes: $1, keepDims: $2)
      },
      reduction("amin", "amin", types: floats + [.int32, .int64], allowsEmpty: false) {
        $0.min(axes: $1, keepDims: $2)
      },
      reduction("logsumexp", "logsumexp", allowsEmpty: false) { $0.logSumExp(axes: $1, keepDims: $2) },
      reduction("any", "any", types: [.bool]) { $0.any(axes: $1, keepDims: $2) },
      reduction("all", "all", types: [.bool]) { $0.all(axes: $1, keepDims: $2) },
      reduction("var", "var", minimum: 2) { $0.variance(axes: $1, keepDims: $2) },
      // The deviation of equal elements is a rounding error there, and its gradient anything; here both are
      // 0.
      reduction("std", "std", minimum: 2, isDistinct: true) { $0.standardDeviation(axes: $1, keepDims: $2) },
      FuzzOperation("prod") { g in
        let shape = g.shape(rank: 1...4)
        let axis = g.below(shape.count)
        let x = RandomOperand(shape, dtype: g.pick(floats), in: -2...2, using: &g)
        return FuzzCase(operands: [x], python: "x[0].prod(\(axis))", isDifferentiable: true) {
          $0[0].prod(axes: [axis])
        }
      },
      FuzzOperation("norm") { g in
        let shape = g.shape(rank: 1...4, allowsEmpty: false)
        let axis = g.below(shape.count)
        let order = g.pick([1.0, 2, 3])
        let x = RandomOperand(shape, dtype: g.pick(floats), in: 0.1...2, using: &g)
        return FuzzCase(
          operands: [x], python: "torch.linalg.vector_norm(x[0], \(order), dim=\(axis))",
          isDifferentiable: true
        ) { $0[0].norm(order, axes: [axis]) }
      },
      axis("argmax", "x[0].argmax(A)", smooth: false) { $0.argmax(axis: $1) },
      axis("argmin", "x[0].argmin(A)", smooth: false) { $0.argmin(axis: $1) },
      axis("softmax", "x[0].softmax(A)") { $0.softmax(axis: $1) },
      axis("log softmax", "x[0].log_softmax(A)") { $0.logSoftmax(axis: $1) },
      axis("cumsum", "x[0].cumsum(A)") { $0.cumsum(axis: $1) },
      axis("cumprod", "x[0].cumprod(A)") { $0.cumprod(axis: $1) },
      axis("logcumsumexp", "x[0].logcumsumexp(A)") { $0.logCumSumExp(axis: $1) },
      axis("sort", "x[0].sort(A).values") { $0.sorted(axis: $1).values },
      axis("sort descending", "x[0].sort(A, descending=True).values") {
        $0.sorted(axis: $1, descending: true).values
      },
      axis("argsort", "x[0].argsort(A)", smooth: false) { $0.argsort(axis: $1) },
      axis("top k", "x[0].topk(1, A).values") { $0.topK(1, axis: $1).values },
      axis("flip", "x[0].flip(A)") { $0.flipped(axes: [$1]) },
      axis("normalize", "F.normalize(x[0], dim=A)") { $0.normalized(axis: $1) },
    ]
  }

  private static func reduction(
    _ name: String, _ method: String, types: [DType] = storage, allowsEmpty: Bool = true, minimum: Int = 0,
    isDistinct: Bool = false, _ apply: @escaping (Tensor, [Int]?, Bool) -> Tensor
  ) -> FuzzOperation {
    FuzzOperation(name) { g in
      var shape = g.shape(rank: 1...4, allowsEmpty: allowsEmpty && minimum == 0)
      var axes = (0..<shape.count).filter { _ in g.below(2) == 0 }
      if axes.isEmpty { axes = [g.below(shape.count)] }
      for axis in axes { shape[axis] = Swift.max(minimum, shape[axis]) }
      if g.below(3) == 0 { axes = axes.map { $0 - shape.count } }
      let keepDims = g.below(2) == 0
      let type = g.pick(types)
      let drawn = RandomOperand(shape, dtype: type, in: -4...4, using: &g)
      let x = isDistinct ? drawn.withoutRepetition(using: &g) : drawn
      return FuzzCase(
        operands: [x], python: "x[0].\(method)(\(pythonTuple(axes)), keepdim=\(keepDims ? "True" : "False"))",
        isDifferentiable: type.isFloatingPoint, slack: 4
      ) { apply($0[0], axes, keepDims) }
    }
  }

  private static func axis(
    _ name: String, _ python: String, smooth: Bool = true, _ apply: @escaping (Tensor, Int) -> Tensor
  ) -> FuzzOperation {
    FuzzOperation(name) { g in
      let shape = g.shape(rank: 1...4, allowsEmpty: false)
      let axis = g.below(2 * shape.count) - shape.count
      // Sorting and the largest of elements that are equal may choose differently, so none are: no repeated
      // rows.
      let whole = RandomOperand(shape, dtype: g.pick(floats), in: -2...2, using: &g)
      let x =
        smooth && !name.contains("sort") && !name.contains("top") ? whole : whole.withoutRepetition(using: &g)
      return FuzzCase(
        operands: [x], python: python.replacing("A", with: "\(axis)"), isDifferentiable: smooth, slack: 4
      ) { apply($0[0], axis) }
    }
  }
}

extension RandomOperand {
  /// The same without expanded axes, whose elements are equal.
  fileprivate func withoutRepetition(using generator: inout RandomGenerator) -> RandomOperand {
    let repeats = views.contains { if case .expand = $0 { true } else { false } }
    guard repeats else { return self }
    return RandomOperand(
      elements: (0..<shape.reduce(1, *)).map { _ in generator.uniform() * 4 - 2 }, shape: shape, dtype: dtype)
  }
}
