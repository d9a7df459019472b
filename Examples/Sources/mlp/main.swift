// Learns to tell two spirals apart with a network of two hidden layers.
import Foundation
import Tensor

/// Two hidden layers with GELU, and one number out.
final class Network: Module {
  let first: Linear
  let second: Linear
  let head: Linear

  init(using generator: inout RandomGenerator) {
    first = Linear(2, 32, using: &generator)
    second = Linear(32, 32, using: &generator)
    head = Linear(32, 1, using: &generator)
  }

  /// Points `[n, 2]` to logits `[n]`.
  func callAsFunction(_ points: Tensor) -> Tensor {
    head(second(first(points).gelu()).gelu()).squeezed(axis: 1)
  }

  func visitParameters(_ visitor: inout ParameterVisitor) {
    visitor.child("first", first)
    visitor.child("second", second)
    visitor.child("head", head)
  }
}

/// Points `[n, 2]` on two spirals, and which one each is on: 0 or 1.
func spirals(_ count: Int, using generator: inout RandomGenerator) -> (points: Tensor, labels: Tensor) {
  var points: [Float] = []
  var labels: [Float] = []
  for i in 0..<count {
    let label = Double(i % 2)
    let radius = generator.uniform()
    let angle = 3 * Double.pi * radius + Double.pi * label
    points.append(Float(radius * cos(angle) + 0.01 * generator.normal()))
    points.append(Float(radius * sin(angle) + 0.01 * generator.normal()))
    labels.append(Float(label))
  }
  return (Tensor(points, shape: [count, 2]), Tensor(labels))
}

var generator = RandomGenerator(seed: 1)
let network = Network(using: &generator)
let training = spirals(400, using: &generator)
let test = spirals(400, using: &generator)
let parameters = network.trainableParameters()
let steps = 600
let schedule = LearningRateSchedule(.cosine, peak: 0.01, warmupSteps: 20, totalSteps: steps)
let optimizer = AdamW(weightDecay: 0)

for step in 0..<steps {
  let logits = network(training.points)
  // −log σ(z) for label 1 and −log σ(−z) for label 0, in the form that cannot overflow.
  let loss = (logits.softplus() - logits * training.labels).mean()
  if step % 100 == 0 { print("step \(step)  loss \(String(format: "%.4f", loss.item()))") }
  optimizer.learningRate = schedule.rate(step: step)
  optimizer.step(parameters, loss.backward())
}

let accuracy = noGradient {
  let isOne = (network(test.points) .> 0).to(.float32)
  return (isOne .== test.labels).to(.float32).mean().item()
}
print("accuracy on \(test.labels.count) new points: \(String(format: "%.3f", accuracy))")
guard accuracy > 0.95 else {
  print("did not learn: expected more than 0.95")
  exit(1)
}
