// Three uses of matrix decompositions: a polynomial by least squares, principal components by singular
// values, and a Gaussian process whose kernel is fitted with gradients through the Cholesky decomposition.
import Foundation
import Tensor

func check(_ condition: Bool, _ message: String) {
  if condition { return }
  print("wrong: \(message)")
  exit(1)
}

var generator = RandomGenerator(seed: 3)
func normal(_ shape: [Int], using generator: inout RandomGenerator) -> Tensor {
  Tensor.randomNormal(shape, dtype: .float64, using: &generator)
}
func text(_ x: Tensor) -> String {
  x.array(of: Double.self).map { String(format: "%.3f", $0) }.joined(separator: ", ")
}

// 1. A cubic through noisy points.
let coefficients = Tensor([0.5, -1, 0.25, 2])
let places = Tensor((0..<200).map { -1 + Double($0) / 100 })
let powers = Tensor.stacked((0..<4).map { places.pow(Double($0)) }, axis: 1)
let heights = powers.matmul(coefficients) + 0.05 * normal([200], using: &generator)
let fit = try powers.lstsq(heights)
print(
  "least squares: found \(text(fit.solution)), made from \(text(coefficients)), rank \(Int(fit.rank.item()))")
let normalEquations = powers.transposed().matmul(powers.matmul(fit.solution) - heights)
check(normalEquations.abs().max().item() < 1e-10, "the residual is not orthogonal to the columns")
check((fit.solution - coefficients).abs().max().item() < 0.1, "a coefficient is more than 0.1 away")

// 2. Points near a plane in ten dimensions: two principal components carry nearly all of the variance.
let (plane, _) = normal([10, 2], using: &generator).qr()
let cloud =
  (normal([300, 2], using: &generator) * Tensor([3.0, 1.5])).matmul(plane.transposed()) + 0.1
  * normal([300, 10], using: &generator)
let (_, values, directions) = try (cloud - cloud.mean(axes: [0])).svd()
let variances = values.square() / values.square().sum()
print("principal components: shares of the variance \(text(variances.slice(axis: 0, 0..<4)))")
let found = directions.slice(axis: 0, 0..<2)
// The cosines of the angles between two planes are the singular values of the product of their bases.
let cosines = try found.matmul(plane).svdvals()
check(variances.slice(axis: 0, 0..<2).sum().item() > 0.98, "two components carry less than 98 %")
check(cosines.min().item() > 0.999, "the plane is not the one the points were made in")

// 3. A Gaussian process: the length, height and noise of its kernel by maximum likelihood.
let inputs = Tensor((0..<40).map { Double($0) * 0.2 })
let targets = inputs.sin() + 0.1 * normal([40], using: &generator)
let queries = Tensor((0..<39).map { Double($0) * 0.2 + 0.1 })

func kernel(_ a: Tensor, _ b: Tensor, _ logs: Tensor) -> Tensor {
  let distance = (a.expandedDimensions(axis: 1) - b) / logs[0].exp()
  return (2 * logs[1]).exp() * (-0.5 * distance.square()).exp()
}

func factor(_ logs: Tensor) throws -> Tensor {
  let noise = (2 * logs[2]).exp() + 1e-8
  return try (kernel(inputs, inputs, logs) + noise * Tensor.eye(40, dtype: .float64)).cholesky()
}

/// −log p(targets) for each point, up to a constant.
let loss = valueAndGrad { (logs: Tensor) throws in
  let lower = try factor(logs)
  let fitted = try lower.triangularSolve(targets)
  return (0.5 * fitted.square().sum() + lower.diagonal().log().sum()) / 40
}
var logs = Tensor([-1.0, 0, 0])
var velocity = Tensor.zeros([3], dtype: .float64)
let first = try loss(logs).value.item()
for _ in 0..<150 {
  velocity = 0.9 * velocity - 0.02 * (try loss(logs).gradient)
  logs = logs + velocity
}
let (last, slope) = try loss(logs)
print(
  "Gaussian process: length, height, noise \(text(logs.exp())), loss \(text(Tensor([first, last.item()])))")
let lower = try factor(logs)
let cross = kernel(queries, inputs, logs)
let mean = cross.matmul(try lower.choleskySolve(targets))
let spread = try lower.triangularSolve(cross.transposed())
let deviation = ((2 * logs[1]).exp() - spread.square().sum(axes: [0])).sqrt()
let error = mean - queries.sin()
let inside = (error.abs() .< 2 * deviation).to(.float64).mean().item()
print(
  String(
    format: "rms error %.3f, %.0f %% inside two deviations", error.square().mean().sqrt().item(), 100 * inside
  ))
check(last.item() < first && slope.abs().max().item() < 0.05, "the likelihood is not at its maximum")
check(abs(logs[2].exp().item() - 0.1) < 0.04, "the noise was 0.1")
check(error.square().mean().sqrt().item() < 0.08 && inside > 0.8, "the curve is not the sine")
