import Tensor

/// Rows of the functions that NumPy has under the names in ``ArrayFunctionTests``.
let arrayFunctionGradientRows: [GradientRow] = [
  .init(name: "hypot", shapes: [[2, 3], [3]]) { $0[0].hypot($0[1]) },
  .init(name: "logAddExp", shapes: [[2, 3], [3]]) { $0[0].logAddExp($0[1]) },
  .init(name: "copysign", shapes: [[2, 3], [3]]) { $0[0].copysign($0[1]).exp() },
  .init(name: "trunc", shapes: [[5]], range: 0.2..<0.9) { $0[0].trunc() + $0[0] },
  .init(name: "prefix plus", shapes: [[3]]) { (+$0[0]).exp() },
  .init(name: "meshgrid", shapes: [[3], [2]]) {
    let grid = Tensor.meshgrid($0)
    return grid[0].exp() * grid[1]
  },
  .init(name: "broadcast", shapes: [[3], [2, 1]]) {
    let parts = Tensor.broadcast($0)
    return parts[0].exp() * parts[1]
  },
  .init(name: "moved", shapes: [[2, 3, 4]]) { $0[0].moved(axes: [0, -1], to: [1, 0]).exp() },
  .init(name: "unstacked", shapes: [[3, 2]]) {
    let parts = $0[0].unstacked(axis: 1)
    return parts[0] * parts[1].exp()
  },
  .init(name: "diff", shapes: [[3, 4]]) { $0[0].diff(2).square() },
  .init(name: "diff with edges", shapes: [[3, 2], [1, 2], [2, 2]]) {
    $0[0].diff(axis: 0, prepending: $0[1], appending: $0[2]).exp()
  },
  .init(name: "takeAlong", shapes: [[3, 1, 4]]) {
    $0[0].takeAlong(axis: 0, Tensor([0, 2, 2, -1] as [Int64], shape: [2, 2, 1])).square()
  },
  .init(name: "vecdot", shapes: [[2, 1, 3], [4, 3]]) { vecdot($0[0], $0[1]) },
  .init(name: "cross", shapes: [[2, 3], [3]]) { cross($0[0], $0[1]) },
  .init(name: "cross along the first axis", shapes: [[3, 2], [3, 1]]) { cross($0[0], $0[1], axis: 0) },
  .init(name: "kron", shapes: [[2, 3], [2]]) { kron($0[0], $0[1]) },
  .init(name: "quantile", shapes: [[5, 3]]) { $0[0].quantile([0.1, 0.5, 0.8], axis: 0).exp() },
  .init(name: "quantile, higher", shapes: [[2, 4]]) {
    $0[0].quantile(0.4, axis: -1, keepDims: true, interpolation: .higher) * $0[0]
  },
  .init(name: "quantile, midpoint of all", shapes: [[2, 3]]) {
    $0[0].quantile(0.3, interpolation: .midpoint).square()
  },
  .init(name: "median", shapes: [[3, 4]]) { $0[0].median(axis: 1).exp() },
  .init(name: "nanSum", shapes: [[3, 4]]) { withHoles($0[0]).nanSum(axes: [1]).square() },
  .init(name: "nanMean", shapes: [[3, 4]]) { withHoles($0[0]).nanMean(axis: 0).square() },
  .init(name: "nanMax", shapes: [[3, 4]]) { withHoles($0[0]).nanMax(axis: 1, keepDims: true).exp() },
  .init(name: "nanMin", shapes: [[3, 4]]) { withHoles($0[0]).nanMin().exp() },
  .init(name: "weights of binCount", shapes: [[5]]) {
    Tensor([3, 0, 3, 1, 3] as [Int64]).binCount(weights: $0[0]).square()
  },
  .init(name: "weights of histogram", shapes: [[2, 3]]) {
    Tensor([1, 5, 2, 7, 4, 5] as [Float], shape: [2, 3]).histogram(bins: 3, weights: $0[0]).counts.square()
  },
  .init(name: "cdist", shapes: [[3, 2], [4, 2]]) { cdist($0[0], $0[1]) },
  .init(name: "cdist of batches", shapes: [[2, 1, 3, 2], [2, 2]]) { cdist($0[0], $0[1]).square() },
  .init(name: "cdist of order 1", shapes: [[3, 2], [4, 2]]) { cdist($0[0], $0[1], order: 1) },
  .init(name: "cdist of order 3", shapes: [[3, 2], [2, 2]]) { cdist($0[0], $0[1], order: 3) },
  .init(name: "cdist of order infinity", shapes: [[3, 2], [2, 2]]) {
    cdist($0[0], $0[1], order: .infinity)
  },
  .init(name: "covariance", shapes: [[2, 5]]) { $0[0].covariance() },
  .init(name: "covariance of one", shapes: [[5]]) { $0[0].covariance(correction: 0) },
  .init(name: "covariance, weighted", shapes: [[2, 4], [4]]) {
    $0[0].covariance(frequencies: Tensor([1, 3, 0, 2] as [Int32]), weights: $0[1].square())
  },
  .init(name: "correlationCoefficients", shapes: [[3, 5]]) { $0[0].correlationCoefficients() },
  .init(name: "matrixPower", shapes: [[2, 2, 2]]) { try! $0[0].matrixPower(3) },
  .init(name: "matrixPower, negative", shapes: [[2, 2]]) {
    try! ($0[0] * 0.2 + Tensor.eye(2, dtype: .float64)).matrixPower(-2)
  },
]

/// A matrix in which some elements are missing.
private func withHoles(_ x: Tensor) -> Tensor {
  let isThere = Tensor(
    [true, false, true, true, false, false, true, true, true, true, false, true], shape: [3, 4])
  return Tensor.select(isThere, x, Double.nan)
}
