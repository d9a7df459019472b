// A network that solves a differential equation: Burgers' u_t + u u_x = ν u_xx, whose wave is steep and
// moves. No solution is shown to it, only values at the start and on the border; inside, the loss is the
// square of what is left of the equation, with derivatives of the network by its inputs. First Adam, then
// L-BFGS. The wave u = c − a tanh(a (x − ct) / 2ν) is a solution, so the error is known.
import Foundation
import Tensor

func fail(_ message: String) -> Never {
  print("wrong: \(message)")
  exit(1)
}

let (viscosity, amplitude, speed) = (0.05, 0.5, 0.6)
/// The exact solution at points `[n, 2]` of place and time.
func exact(_ points: Tensor) -> Tensor {
  let (x, t) = (points[.all, 0], points[.all, 1])
  return speed - amplitude * (amplitude / (2 * viscosity) * (x - speed * t)).tanh()
}

/// Two hidden layers with tanh, which has derivatives of every order.
final class Network: Module {
  let layers: [Linear]

  init(_ widths: [Int], using generator: inout RandomGenerator) {
    var made: [Linear] = []
    for (inputs, outputs) in zip(widths, widths.dropFirst()) {
      made.append(Linear(inputs, outputs, using: &generator))
    }
    layers = made
  }

  /// Points `[n, 2]` to values `[n]`.
  func callAsFunction(_ points: Tensor) -> Tensor {
    let hidden = layers.dropLast().reduce(points) { $1($0).tanh() }
    return layers.last!(hidden).squeezed(axis: 1)
  }

  func visitParameters(_ visitor: inout ParameterVisitor) { visitor.children("layers", layers) }
}

/// What is left of the equation at points `[n, 2]`: 0 everywhere for a solution.
func residual(_ network: (Tensor) -> Tensor, _ points: Tensor) -> Tensor {
  let points = points.requiringGradient()
  let u = network(points)
  // Every value depends on its own point alone, so the gradient of the sum has the derivatives of all. The
  // graph is kept, and gradients are recorded: once more for u_xx, and once more by the loss.
  let first = gradients(of: u.sum(), withRespectTo: [points], keepingGraph: true)[0]!
  let (byPlace, byTime) = (first[.all, 0], first[.all, 1])
  let second = gradients(of: byPlace.sum(), withRespectTo: [points], keepingGraph: true)[0]!
  return byTime + u * byPlace - viscosity * second[.all, 0]
}

var generator = RandomGenerator(seed: 1)
let network = Network([2, 24, 24, 1], using: &generator)
let parameters = network.trainableParameters()
for (_, parameter) in parameters { parameter.convert(to: .float64) }

// Places in −1 ... 1 and times in 0 ... 1: points inside, at the start and on both borders.
func points(_ count: Int, x: Range<Double>, t: Range<Double>, using generator: inout RandomGenerator)
  -> Tensor
{
  Tensor.stacked(
    [x, t].map { range in
      range.isEmpty
        ? Tensor.full([count], range.lowerBound, dtype: .float64)
        : Tensor.randomUniform([count], in: range, dtype: .float64, using: &generator)
    }, axis: 1)
}
let inside = points(400, x: -1..<1, t: 0..<1, using: &generator)
let given = Tensor.concatenated([
  points(100, x: -1..<1, t: 0..<0, using: &generator), points(40, x: -1..<(-1), t: 0..<1, using: &generator),
  points(40, x: 1..<1, t: 0..<1, using: &generator),
])
let values = exact(given)

// The exact solution leaves nothing, so the equation is written down right.
let leftover = residual(exact, inside).abs().max().item()
print("residual of the exact solution: \(String(format: "%.1e", leftover))")

// The same u_xx two other ways: along a direction by jvp of jvp, and as an element of the Hessian.
let point = Tensor([0.3, 0.4])
let along = Tensor([1.0, 0.0])
let value = { (x: Tensor) in network(x.expandedDimensions(axis: 0)).sum() }
let twice = jvp({ x in jvp(value, x, along).derivative }, point, along).derivative.item()
let corner = hessian(value, point)[0, 0].item()
print(String(format: "u_xx of the untrained network by jvp %.12f, by the Hessian %.12f", twice, corner))

func loss(_ network: Network) -> Tensor {
  residual({ network($0) }, inside).square().mean() + 10 * (network(given) - values).square().mean()
}
func error(of network: Network, _ name: String) -> Double {
  let grid = Tensor.meshgrid(
    [Tensor.linspace(-1, 1, count: 81, dtype: .float64), Tensor.linspace(0, 1, count: 41, dtype: .float64)],
    indexing: .ij)
  let places = Tensor.stacked(grid.map { $0.flattened() }, axis: 1)
  let worst = noGradient { (network(places) - exact(places)).abs().max().item() }
  let left = loss(network).item()
  print("\(name): \(String(format: "loss %.1e, largest error %.4f", left, worst))")
  return worst
}

let before = error(of: network, "untrained")
let steps = 300
let schedule = LearningRateSchedule(.cosine, peak: 1e-2, totalSteps: steps)
let adam = Adam()
for step in 0..<steps {
  adam.learningRate = schedule.rate(step: step)
  adam.step(parameters, loss(network).backward())
}
_ = error(of: network, "after \(steps) steps of Adam")
let polish = LBFGS(maxIterations: 400, maxEvaluations: 600, historySize: 50, lineSearch: .strongWolfe)
polish.step(parameters) { loss(network) }
let after = error(of: network, "after \(polish.iterationCount) iterations of L-BFGS")

print("     x  u(x, 1)   exact")
for x in stride(from: -1.0, through: 1, by: 0.5) {
  let place = Tensor([x, 1], shape: [1, 2])
  print(String(format: "%6.1f  %7.4f  %6.4f", x, noGradient { network(place).item() }, exact(place).item()))
}
if !(leftover < 1e-10) { fail("the exact solution does not solve the equation") }
if !(abs(twice - corner) < 1e-10) { fail("two ways to a second derivative differ") }
if !(before > 0.1 && after < 0.01) { fail("expected an error below 0.01") }
