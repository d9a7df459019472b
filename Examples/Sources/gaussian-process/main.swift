// Regression with a Gaussian process. The kernel's height, a length for each input and the noise are found by
// L-BFGS on the marginal likelihood, with gradients through the Cholesky decomposition. One of the two inputs
// has nothing to do with the targets: its length grows until the kernel no longer sees it.
import Foundation
import Tensor

func fail(_ message: String) -> Never {
  print("wrong: \(message)")
  exit(1)
}

/// A kernel of squared exponentials whose parameters are logarithms, so that any number stands for a positive
/// one.
final class GaussianProcess: Module {
  let lengths: Parameter, height: Parameter, noise: Parameter
  let inputs: Tensor, targets: Tensor

  /// Starts with lengths and height of 1 and a deviation of the noise of 0.5.
  init(inputs: Tensor, targets: Tensor) {
    lengths = Parameter(Tensor.zeros([inputs.shape[1]], dtype: .float64))
    height = Parameter(Tensor.zeros([], dtype: .float64))
    noise = Parameter(Tensor(log(0.5), dtype: .float64))
    (self.inputs, self.targets) = (inputs, targets)
  }

  func visitParameters(_ visitor: inout ParameterVisitor) {
    visitor.add("lengths", lengths)
    visitor.add("height", height)
    visitor.add("noise", noise)
  }

  /// `height² exp(−½ Σ ((a − b) / length)²)` of every row of `a` with every row of `b`.
  func kernel(_ a: Tensor, _ b: Tensor) -> Tensor {
    let scale = lengths.tensor.exp()
    // a² − 2ab + b², not cdist: the square of a distance has a gradient at 0, the distance has none.
    let (a, b) = (a / scale, b / scale)
    let squares = a.square().sum(axis: 1, keepDims: true) + b.square().sum(axis: 1)
    return (2 * height.tensor).exp() * (a.matmul(b.transposed()) - 0.5 * squares).exp()
  }

  /// The lower factor of the targets' covariance.
  func factor() throws -> Tensor {
    let variance = (2 * noise.tensor).exp() + 1e-8
    return try (kernel(inputs, inputs) + variance * Tensor.eye(targets.count, dtype: .float64)).cholesky()
  }

  /// `−log p(targets)`: ½ yᵀK⁻¹y + ½ log det K + ½ n log 2π. With K = LLᵀ the first is half the square of
  /// L⁻¹y, and half the logarithm of the determinant the sum over the logarithms of L's diagonal.
  func loss() throws -> Tensor {
    let lower = try factor()
    let fitted = try lower.triangularSolve(targets)
    let constant = 0.5 * Double(targets.count) * log(2 * .pi)
    return 0.5 * fitted.square().sum() + lower.diagonal().log().sum() + constant
  }

  /// The curve's mean and deviation at new places, without noise.
  func predict(_ places: Tensor) throws -> (mean: Tensor, deviation: Tensor) {
    try noGradient {
      let lower = try factor()
      let cross = kernel(places, inputs)
      let mean = cross.matmul(try lower.choleskySolve(targets))
      let explained = try lower.triangularSolve(cross.transposed()).square().sum(axis: 0)
      return (mean, ((2 * height.tensor).exp() - explained).maximum(0).sqrt())
    }
  }
}

func text(_ x: Tensor) -> String {
  x.array(of: Double.self).map { String(format: "%.3f", $0) }.joined(separator: ", ")
}

// Noisy values of a curve of the first input; the second is drawn and has no influence.
var generator = RandomGenerator(seed: 1)
func curve(_ x: Tensor) -> Tensor { (1.5 * x).sin() + 0.3 * x }
func draw(_ count: Int, using generator: inout RandomGenerator) -> (inputs: Tensor, targets: Tensor) {
  let x = Tensor.randomUniform([count, 2], in: -3..<3, dtype: .float64, using: &generator)
  let errors = Tensor.randomNormal([count], standardDeviation: 0.1, dtype: .float64, using: &generator)
  return (x, curve(x[.all, 0]) + errors)
}
let training = draw(120, using: &generator)
let test = draw(300, using: &generator)

let process = GaussianProcess(inputs: training.inputs, targets: training.targets)
let parameters = process.trainableParameters()
let optimizer = LBFGS(maxIterations: 100, lineSearch: .strongWolfe)
let before = try optimizer.step(parameters, process.loss)
let loss = try process.loss()
let gradients = loss.backward()
let slope = parameters.map { gradients[$0.parameter]!.abs().max().item() }.max()!
print(
  String(
    format: "-log likelihood %.2f to %.2f in %d iterations, largest slope %.1e", before, loss.item(),
    optimizer.iterationCount, slope))
let lengths = process.lengths.tensor.exp()
let noise = process.noise.tensor.exp().item()
let height = process.height.tensor.exp().item()
print("lengths \(text(lengths)), \(String(format: "height %.3f, noise %.3f", height, noise))")

// The sum over the factor's diagonal is half of what slogdet finds by another decomposition.
let lower = try process.factor()
let (sign, logDeterminant) = lower.matmul(lower.transposed()).slogdet()
let difference = abs(2 * lower.diagonal().log().sum().item() - logDeterminant.item())

// The curve with its 95 % interval; beyond 3 there are no data, and the interval opens.
let places = Tensor.linspace(-3, 5, count: 9, dtype: .float64)
let along = try process.predict(Tensor.stacked([places, Tensor.zeros(like: places)], axis: 1))
print("     x   curve    mean   interval")
let table = Tensor.stacked(
  [
    places, curve(places), along.mean, along.mean - 1.96 * along.deviation,
    along.mean + 1.96 * along.deviation,
  ], axis: 1)
for row in table.unstacked() {
  let n = row.array(of: Double.self)
  print(String(format: "%6.1f  %6.3f  %6.3f   %6.3f to %6.3f", n[0], n[1], n[2], n[3], n[4]))
}

// New points, whose values have noise too.
let (mean, deviation) = try process.predict(test.inputs)
let error = mean - curve(test.inputs[.all, 0])
let width = 1.96 * (deviation.square() + noise * noise).sqrt()
let inside = ((mean - test.targets).abs() .< width).to(.float64).mean().item()
print(
  String(
    format: "rms error %.3f on 300 new points, %.1f %% of them inside the 95 %% interval",
    error.square().mean().sqrt().item(), 100 * inside))

if !(slope < 1e-2) { fail("the likelihood is not at its maximum") }
if !(sign.item() == 1 && difference < 1e-6) { fail("slogdet differs by \(difference)") }
if !(abs(noise - 0.1) < 0.02) { fail("the noise was 0.1") }
if !(lengths[1].item() > 10 * lengths[0].item()) { fail("the input without influence was not found") }
if !(error.square().mean().sqrt().item() < 0.05) { fail("the curve was not found") }
if !(inside > 0.9 && inside < 0.99) { fail("expected about 95 % inside the interval") }
let last = along.deviation[-1].item()
if !(last > 5 * along.deviation[3].item()) { fail("the interval does not open where there are no data") }
