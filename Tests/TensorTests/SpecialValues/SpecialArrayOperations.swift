import Tensor

// Operations of the tables of array functions: see `make_array_tables.py` and `make_number_tables.py`.
extension SpecialOperations {
  static let pairs: [String: Body] = [
    "hypot": { x, _ in x[0].hypot(x[1]) }, "logAddExp": { x, _ in x[0].logAddExp(x[1]) },
    "copysign": { x, _ in x[0].copysign(x[1]) }, "nextAfter": { x, _ in x[0].nextAfter(x[1]) },
    "trunc": { x, _ in x[0].trunc() }, "signBit": { x, _ in x[0].signBit() },
    "isPositiveInfinity": { x, _ in x[0].isPositiveInfinity() },
    "isNegativeInfinity": { x, _ in x[0].isNegativeInfinity() }, "positive": { x, _ in +x[0] },
  ]

  static let besideNumbers: [String: Body] = [
    "maximumNumber": { x, a in x[0].maximum(a[0]) }, "minimumNumber": { x, a in x[0].minimum(a[0]) },
    "remainderNumber": { x, a in x[0].remainder(a[0]) }, "numberRemainder": { x, a in a[0] % x[0] },
    "floorDividedNumber": { x, a in x[0].floorDivided(by: a[0]) },
    "atan2Number": { x, a in x[0].atan2(Tensor(a[0])) },
    "selectNumber": { x, a in Tensor.select(x[0] .> 0, x[0], a[0]) },
    "numberSelect": { x, a in Tensor.select(x[0] .> 0, a[0], x[0]) },
    "maskedFillNumber": { x, a in x[0].maskedFill(x[0] .> 0, a[0]) },
    "equalNumber": { x, a in x[0] .== a[0] }, "notEqualNumber": { x, a in x[0] .!= a[0] },
    "lessNumber": { x, a in x[0] .< a[0] }, "lessOrEqualNumber": { x, a in x[0] .<= a[0] },
    "greaterNumber": { x, a in x[0] .> a[0] }, "greaterOrEqualNumber": { x, a in x[0] .>= a[0] },
    "numberLess": { x, a in a[0] .< x[0] }, "numberLessOrEqual": { x, a in a[0] .<= x[0] },
    "numberGreater": { x, a in a[0] .> x[0] }, "numberGreaterOrEqual": { x, a in a[0] .>= x[0] },
    "hypotNumber": { x, a in x[0].hypot(Tensor(a[0])) },
    "copysignNumber": { x, a in x[0].copysign(Tensor(a[0])) },
    "logAddExpNumber": { x, a in x[0].logAddExp(Tensor(a[0])) },
    "nextAfterNumber": { x, a in x[0].nextAfter(Tensor(a[0])) },
  ]

  static let orders: [String: Body] = [
    "uniqueValues": { x, _ in x[0].unique().values }, "uniqueInverse": { x, _ in x[0].unique().inverse },
    "uniqueCounts": { x, _ in x[0].unique().counts }, "isIn": { x, _ in x[0].isIn(x[1]) },
    "searchSorted": { x, a in x[0].searchSorted(x[1], side: a[0] == 0 ? .left : .right) },
    "histogramOfEdges": { x, _ in x[0].histogram(edges: x[1]).counts },
    "histogramOfRange": { x, _ in x[0].histogram(bins: 5, range: (-2, 3)).counts },
    "binCount": { x, a in x[0].binCount(minLength: Int(a[0])) },
    "binCountWeighted": { x, _ in x[0].binCount(weights: x[1]) },
  ]

  static let sums: [String: Body] = [
    "diffWithEnds": { x, _ in x[0].diff(prepending: 0, appending: 1) },
    "vecdot": { x, _ in vecdot(x[0], x[1]) }, "cross": { x, _ in cross(x[0], x[1]) },
    "covariance": { x, _ in x[0].covariance() },
    "correlationCoefficients": { x, _ in x[0].correlationCoefficients() },
    "outer": { x, _ in x[0].outer(x[1]) }, "kron": { x, _ in kron(column(x[0]), x[1]) },
    "matmulOfOne": { x, _ in column(x[0]).matmul(x[1].reshaped([1, -1])) },
    "matmulTransposed": { x, _ in x[0].matmul(x[1].transposed()) },
    "linearOfOne": { x, _ in linear(column(x[0]), weight: column(x[1])) },
    "einsumOuter": { x, _ in einsum("i,j->ij", x[0], x[1]) },
    "tensordotOuter": { x, _ in tensordot(x[0], x[1], axes: 0) },
    "convolutionOfOne": { x, _ in
      conv1d(x[0].reshaped([-1, 1, 1]), weight: x[1].reshaped([-1, 1, 1])).squeezed(axis: 2)
    },
    "cdist": { x, a in cdist(x[0], x[1], order: a[0]) },
  ]

  private static func column(_ x: Tensor) -> Tensor { x.reshaped([-1, 1]) }

  static let modules: [String: Body] = [
    "adaptiveMaxPool1d": { x, _ in
      adaptiveMaxPool1d(x[0].expandedDimensions(axis: 1), size: 2).squeezed(axis: 1)
    },
    "adaptiveMaxPool2d": { x, _ in adaptiveMaxPool2d(x[0], size: (1, 1)) },
    "maxPool3d": { x, _ in maxPool3d(x[0], kernel: (2, 2, 1)) },
    "averagePool3d": { x, _ in averagePool3d(x[0], kernel: (2, 2, 1)) },
    "area": { x, _ in interpolate(x[0], size: [1, 1], mode: .area) },
    "lstmHidden": { x, _ in
      lstmCell(x[0], hidden: x[1], cell: x[1], inputWeight: x[2], hiddenWeight: x[2]).hidden
    },
    "lstmCell": { x, _ in
      lstmCell(x[0], hidden: x[1], cell: x[1], inputWeight: x[2], hiddenWeight: x[2]).cell
    },
    "gruCell": { x, _ in gruCell(x[0], hidden: x[1], inputWeight: x[2], hiddenWeight: x[2]) },
    "rnnCell": { x, _ in rnnCell(x[0], hidden: x[1], inputWeight: x[2], hiddenWeight: x[2]) },
    "rnnCellReLU": { x, _ in
      rnnCell(x[0], hidden: x[1], nonlinearity: .relu, inputWeight: x[2], hiddenWeight: x[2])
    },
    "swiGLUOfProducts": { x, _ in swiGLU(x[0], gate: x[1], up: x[2]) },
    "attentionWithAddedMask": { x, _ in
      scaledDotProductAttention(query: x[0], key: x[1], value: x[2], mask: x[3], scale: 1)
    },
    "causalAttention": { x, _ in
      scaledDotProductAttention(query: x[0], key: x[1], value: x[2], isCausal: true, scale: 1)
    },
    "attentionProbabilities": { x, _ in
      // One query of ones for each row of keys; the others see nothing of it.
      let (count, width) = (x[0].shape[0], x[0].shape[1])
      let layout = AttentionLayout(
        segments: (0..<count).map { .init(queries: $0..<$0 + 1, keys: [$0 * width..<($0 + 1) * width]) })
      let all = attentionProbabilities(
        query: Tensor.ones([count, 1, 1], dtype: x[0].dtype), key: x[0].reshaped([-1, 1, 1]), layout: layout,
        rows: Array(0..<count), scale: 1
      ).to(x[0].dtype)
      return Tensor.stacked((0..<count).map { all[$0, 0].slice(axis: 0, $0 * width..<($0 + 1) * width) })
    },
  ]

  static let bits: [String: Body] = [
    "bitwiseAnd": { x, _ in x[0].bitwiseAnd(x[1]) }, "bitwiseOr": { x, _ in x[0].bitwiseOr(x[1]) },
    "bitwiseXor": { x, _ in x[0].bitwiseXor(x[1]) }, "bitwiseNot": { x, _ in x[0].bitwiseNot() },
    "bitwiseLeftShift": { x, _ in x[0].bitwiseLeftShift(x[1]) },
    "bitwiseRightShift": { x, _ in x[0].bitwiseRightShift(x[1]) },
  ]

  /// Operations with a Swift `Int`, which stands beside the tensor as one without axes, and others of
  /// integers.
  static let integerArrays: [String: Body] = [
    "addInt": { x, _ in x[0] + whole(x) }, "minusInt": { x, _ in x[0] - whole(x) },
    "intMinus": { x, _ in whole(x) - x[0] }, "multiplyInt": { x, _ in x[0] * whole(x) },
    "floorDividedInt": { x, _ in x[0].floorDivided(by: whole(x)) },
    "remainderInt": { x, _ in x[0].remainder(whole(x)) }, "intRemainder": { x, _ in whole(x) % x[0] },
    "maximumInt": { x, _ in x[0].maximum(whole(x)) }, "minimumInt": { x, _ in x[0].minimum(whole(x)) },
    "clampedToInt": { x, _ in
      x[0].clamped(x[0].dtype == .int64 ? .min : x[0].min().item(of: Int.self), whole(x))
    },
    "selectInt": { x, _ in Tensor.select(x[0] .> 3, x[0], whole(x)) },
    "intSelect": { x, _ in Tensor.select(x[0] .> 3, whole(x), x[0]) },
    "maskedFillInt": { x, _ in x[0].maskedFill(x[0] .> 3, whole(x)) },
    "fullInt": { x, _ in Tensor.full(x[0].shape, whole(x), dtype: x[0].dtype) },
    "assignedInt": { x, _ in
      var result = x[0]
      result[result .> 3] = Tensor(whole(x), dtype: result.dtype)
      return result
    },
    "equalInt": { x, _ in x[0] .== whole(x) }, "lessInt": { x, _ in x[0] .< whole(x) },
    "greaterInt": { x, _ in x[0] .> whole(x) }, "intLess": { x, _ in whole(x) .< x[0] },
    "intGreater": { x, _ in whole(x) .> x[0] },
    "scatterAdded": { x, _ in
      let place = Tensor.zeros(x[0].shape, dtype: .int64)
      return Tensor.zeros([1, x[0].shape[1]], dtype: x[0].dtype).scatterAdd(axis: 0, place, x[0])[0]
    },
    "indexAdded": { x, _ in
      let place = Tensor.zeros([x[0].shape[0]], dtype: .int64)
      return Tensor.zeros([1, x[0].shape[1]], dtype: x[0].dtype).indexAdd(axis: 0, place, x[0])[0]
    },
  ]

  private static func whole(_ x: [Tensor]) -> Int { x[1].item(of: Int.self) }

  static let conversions: [String: Body] = Dictionary(
    uniqueKeysWithValues: SpecialTable.types.values.map { type -> (String, Body) in
      ("to \(type)", { x, _ in x[0].to(type) })
    })
}
