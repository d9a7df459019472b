import Tensor

private let sample = VectorizingMapRow.numbers
private let whole = VectorizingMapRow.counts

extension VectorizingMapRow {
  /// Shapes, positions and assignment.
  static let ofShapes: [VectorizingMapRow] = [
    .init("reshaped") { x, w in x[0].reshaped([3, -1]) * w.expandedDimensions(axis: 1) + x[0].flattened()[0]
    },
    .init("permuted", .once, [sample([4, 2, 3, 5], .float64, 1)]) { x, w in x[0].permuted([2, 0, 1]) * w },
    .init("transposed") { x, w in x[0].transposed() * w.expandedDimensions(axis: 1) },
    .init("squeezed", .once, [sample([4, 1, 3], .float64, 1)]) { x, w in x[0].squeezed(axis: 0) * w },
    .init("expanded") { x, w in x[0].expandedDimensions(axis: 1).expanded(to: [5, 2, 4, 3]) * w },
    .init("expanded from no axes", .once, [sample([5], .float64, 1)]) { x, w in x[0].expanded(to: [2, 3]) * w
    },
    .init("index") { x, w in x[0][0] * w + x[0][-1, 1] },
    .init("ranges") { x, w in x[0][0..., 1...] * w[1...] + x[0][.ellipsis, .newAxis, 0] },
    .init("steps") { x, w in x[0][.slice(step: -1), .slice(step: 2)] * w[.slice(step: -2)] },
    .init("flipped") { x, w in x[0].flipped(axes: [0, 1]) * w },
    .init("split") { x, w in x[0].split([1, 2], axis: 1)[1] * w[1...] + x[0].chunked(3, axis: 1)[0] },
    .init("unstacked") { x, w in x[0].unstacked(axis: 1)[2] * x[0].unstacked(axis: 1)[0] + w[0] },
    .init("concatenated", .once, [sample([4, 3], .float64, 1)]) { x, w in
      Tensor.concatenated([x[0], w, x[0] * w])
    },
    .init("stacked", .once, [sample([4, 3], .float64, 1)]) { x, w in Tensor.stacked([w, x[0]], axis: 1) },
    .init("joined types", .once, [whole([4, 3], 5, .int32)]) { x, w in Tensor.concatenated([x[0], w]) },
    .init("contiguous") { x, w in x[0].transposed().contiguous().transposed() * w },
    .init("list of positions") { x, w in x[0][[1, 0, -1]] * w },
    .init("list of positions in axis 1") { x, w in x[0][.all, [2, 0, 0]] * w },
    .init("lists of positions in both axes") { x, w in x[0][[0, 1], [2, 2]] * w[0] },
    .init("rows of a captured table", .once, [whole([4, 2], 3, .int64)]) { x, w in w.rows(at: x[0]) },
    .init(
      "own rows at own positions", .once, [sample([4, 2, 3], .float64, 1), whole([4, 2, 2], 2, .int32)]
    ) {
      x, w in x[0].rows(at: x[1]) * w
    },
    .init("own elements at own positions", .once, [sample([4, 3], .float64, 1), whole([4, 2], 3, .int64)]) {
      x, w in x[0].rows(at: x[1] - 1) * w[0]
    },
    .init("gather", .once, [sample([4, 2, 3], .float64, 1), whole([4, 2, 2], 3, .int64)]) { x, w in
      x[0].gather(axis: 1, x[1]) * w[0]
    },
    .init("take along", .once, [sample([4, 2, 3], .float64, 1)]) { x, w in
      x[0].takeAlong(axis: 1, x[0].argsort()) * w
    },
    .init("gather from captured", .once, [whole([4, 5], 3, .int64)]) { x, w in w.gather(axis: 0, x[0]) },
    .init("scatter", .once, [sample([4, 3], .float64, 1), whole([4, 3], 3, .int64)]) { x, w in
      Tensor.zeros([3], dtype: .float64).scatterAdd(axis: 0, x[1], x[0] * w)
    },
    .init("select along an axis") { x, w in x[0].indexSelect(axis: 1, Tensor([2, 0] as [Int64])) * w[0..<2] },
    .init("assignment of a number") { x, w in
      var y = x[0] * w
      y[0] = Tensor(5.0)
      y[1, 2...] = Tensor(0.0)
      return y
    },
    .init("assignment of what is captured") { x, w in
      var y = x[0]
      y[.all, 0..<2] = w[1...] * 2
      return y * w
    },
    .init("assignment of a slice") { x, w in
      var y = Tensor.zeros([4, 3], dtype: .float64)
      y[1..<3] = x[0]
      y[3] = x[0][0] * w
      return y
    },
    .init("assignment where a mask is true") { x, w in
      var y = x[0]
      y[x[0] .< 0] = Tensor(0.0)
      return y * w
    },
  ]

  /// Derivatives and maps inside.
  static let ofFunctions: [VectorizingMapRow] = [
    .init("gradient") { x, w in grad { ($0.pow(3) * w).sum() }(x[0]) },
    .init("gradient in what is captured", .once, [sample([4, 3], .float64, 1)]) { x, w in
      grad { (v: Tensor) in (v * x[0]).sum().square() }(w)
    },
    .init(
      "gradient in a nil axis", .once, [sample([3], .float64, 1), sample([4, 3], .float64, 2)],
      inAxes: [nil, 0]
    ) { x, _ in grad { (v: Tensor) in (v * x[1]).sum().square() }(x[0]) },
    .init("gradients of two", .once, [sample([4, 3], .float64, 1), sample([4, 3], .float64, 2)]) { x, w in
      let (a, b) = grad { (p: Tensor, q: Tensor) in (p.sin() * q.square() * w).sum() }(x[0], x[1])
      return a * b
    },
    .init("gradient of a layer", .once, [sample([4, 3], .float64, 1)]) { x, w in
      let weight = (w * w.expandedDimensions(axis: 1)).sin()
      return grad { (v: Tensor) in linear(x[0], weight: v, bias: w).tanh().square().sum() }(weight)
    },
    .init("gradient that does not depend") { x, w in grad { _ in w.sum() }(x[0]) },
    .init("value and gradient") { x, w in
      let (value, gradient) = valueAndGrad { ($0.square() * w).sum() }(x[0])
      return value * gradient
    },
    .init("gradient of a gradient") { x, w in grad { grad { ($0.pow(4) * w).sum() }($0).sin().sum() }(x[0]) },
    .init("vjp") { x, w in
      let (value, pullback) = vjp({ ($0 * w).sin() }, x[0])
      return pullback(value * 2) + pullback(Tensor.ones([2, 3], dtype: .float64))
    },
    .init("jvp") { x, w in
      let (value, derivative) = jvp({ ($0 * w).sin() }, x[0], x[0] + w)
      return value * derivative
    },
    .init("jvp in a constant direction") { x, w in
      jvp({ ($0 * w).sin() }, x[0], Tensor.ones([2, 3], dtype: .float64)).derivative
    },
    .init("jacobian", .once, [sample([4, 3], .float64, 1)]) { x, w in jacobian({ $0.sum() * $0 * w }, x[0]) },
    .init("hessian", .once, [sample([4, 3], .float64, 1)]) { x, w in hessian({ ($0.pow(3) * w).sum() }, x[0])
    },
    .init("product with a hessian", .once, [sample([4, 3], .float64, 1)]) { x, w in
      hessianVectorProduct({ ($0.pow(3) * w).sum() }, x[0], w)
    },
    .init("map inside") { x, w in vmap { ($0 * w).sum().exp() }(x[0]) },
    .init("map inside along another axis") { x, w in vmap({ $0 * $0.sum() }, inAxis: 1, outAxis: 1)(x[0]) * w
    },
    .init("maps inside of maps", .once, [sample([4, 2, 5, 3], .float64, 1)]) { x, w in
      vmap { y in vmap { ($0 * w).softmax() * x[0][0, 0] }(y) * y.sum() }(x[0])
    },
    .init("map inside over what is captured") { x, w in vmap { $0 * x[0] }(w) },
    .init("map inside with a nil axis") { x, w in vmap({ $0.matmul($1) }, inAxes: (0, nil))(x[0], w) },
    .init("gradient of a map") { x, w in grad { vmap { ($0 * w).sum().square() }($0).sum() }(x[0]) },
    .init("map of a gradient") { x, w in vmap(grad { ($0.pow(3) * w).sum() })(x[0]) },
    .init("map of a gradient in what is captured") { x, w in
      vmap { y in grad { (v: Tensor) in (v * y).sum().square() }(w) }(x[0])
    },
    .init("scan inside") { x, w in scan(initial: w, over: x[0]) { ($0 * $1, $0 + $1) }.outputs },
  ]
}
