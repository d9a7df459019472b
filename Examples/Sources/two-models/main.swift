// Two models in one process, trained side by side in two tasks: each with a generator, an optimizer and a
// schedule of its own, and each saves its weights on the way and goes on with what it reads back, one from
// safetensors and one from HDF5. Both have to come out with the same bits as when they are trained alone.
//
// Modules and optimizers are classes that stay in the task that made them; what leaves it are tensors, which
// are values and may go anywhere.
import Checkpoint
import Foundation
import Tensor

func fail(_ message: String) -> Never {
  print("wrong: \(message)")
  exit(1)
}

/// Two hidden layers with dropout, wide enough that a product is worth several threads.
final class Network: Module {
  let first: Linear, second: Linear, head: Linear, dropout: Dropout

  init(width: Int, using generator: inout RandomGenerator) {
    first = Linear(2, width, using: &generator)
    second = Linear(width, width, using: &generator)
    head = Linear(width, 2, using: &generator)
    dropout = Dropout(0.05, using: &generator)
  }

  /// Points `[n, 2]` to logits `[n, 2]`.
  func callAsFunction(_ points: Tensor) -> Tensor {
    head(dropout(second(first(points).silu()).silu()))
  }

  func visitParameters(_ visitor: inout ParameterVisitor) {
    visitor.child("first", first)
    visitor.child("second", second)
    visitor.child("head", head)
    visitor.child("dropout", dropout)
  }
}

/// Points on two spirals and which one each is on.
func spirals(_ count: Int, using generator: inout RandomGenerator) -> (points: Tensor, labels: Tensor) {
  let labels = Tensor.arange(count) % 2
  let radius = Tensor.randomUniform([count], using: &generator)
  let angle = 3 * Double.pi * radius + Double.pi * labels.to(.float32)
  let circle = Tensor.stacked([angle.cos(), angle.sin()], axis: 1)
  let noise = Tensor.randomNormal([count, 2], standardDeviation: 0.01, using: &generator)
  return (radius.expandedDimensions(axis: 1) * circle + noise, labels)
}

typealias Weights = [(name: String, tensor: Tensor)]

/// How weights are kept in a file. Groups of HDF5 are folders, so `first.weight` is `first/weight` there.
enum Format: String, Sendable {
  case safetensors, h5

  func write(_ weights: Weights, to file: URL) throws {
    switch self {
    case .safetensors: try SafeTensors.write(weights, hasChecksums: true, to: file)
    case .h5:
      try HDF5File.write(to: file) { writer in
        for (name, tensor) in weights { try writer.write(tensor, to: path(name)) }
      }
    }
  }

  func read(_ names: [String], from file: URL) throws -> Weights {
    switch self {
    case .safetensors:
      let stored = try SafeTensors.read(file)
      return try names.map { ($0, try stored.tensor($0)) }
    case .h5:
      let stored = try HDF5File(reading: file)
      return try names.map { ($0, try stored.tensor(path($0))) }
    }
  }

  private func path(_ name: String) -> String { name.split(separator: ".").joined(separator: "/") }
}

/// What a task is to do, and what comes back from it.
struct Recipe: Sendable {
  let name: String, seed: UInt64, width: Int, format: Format
  let makeOptimizer: @Sendable () -> any Optimizer
}
struct Outcome: Sendable {
  let name: String, weights: Weights, losses: [Double], accuracy: Double, start: Date, end: Date
}

/// Trains one model. After half of the steps its weights go to a file, and a new model goes on with what is
/// there.
@Sendable func train(_ recipe: Recipe, in folder: URL) async throws -> Outcome {
  let steps = 300
  let start = Date()
  var generator = RandomGenerator(seed: recipe.seed)
  var network = Network(width: recipe.width, using: &generator)
  var optimizer = recipe.makeOptimizer()
  let training = spirals(512, using: &generator)
  let test = spirals(512, using: &generator)
  let schedule = LearningRateSchedule(.cosine, peak: 1e-2, warmupSteps: 10, totalSteps: steps)
  var losses: [Double] = []
  for step in 0..<steps {
    if step == steps / 2 {
      let file = folder.appendingPathComponent("\(recipe.name).\(recipe.format.rawValue)")
      let parameters = network.namedParameters()
      try recipe.format.write(parameters.map { ($0.name, $0.parameter.tensor) }, to: file)
      let stored = try recipe.format.read(parameters.map(\.name), from: file)
      network = Network(width: recipe.width, using: &generator)
      optimizer = recipe.makeOptimizer()
      for (entry, weight) in zip(network.namedParameters(), stored) { entry.parameter.tensor = weight.tensor }
    }
    let loss = crossEntropy(network(training.points), targets: training.labels)
    optimizer.learningRate = schedule.rate(step: step)
    optimizer.step(network.trainableParameters(), loss.backward())
    losses.append(loss.item())
    // Gives the other task a turn where one core serves both.
    await Task.yield()
  }
  network.setTraining(false)
  let accuracy = noGradient {
    (network(test.points).argmax(axis: 1) .== test.labels).to(.float64).mean().item()
  }
  let weights = network.namedParameters().map { (name: $0.name, tensor: $0.parameter.tensor.detached()) }
  return Outcome(
    name: recipe.name, weights: weights, losses: losses, accuracy: accuracy, start: start, end: Date())
}

let folder = FileManager.default.temporaryDirectory.appendingPathComponent("two-models-\(UUID().uuidString)")
try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
let recipes = [
  Recipe(name: "narrow", seed: 1, width: 96, format: .safetensors) { AdamW(weightDecay: 0.01) },
  Recipe(name: "wide", seed: 2, width: 192, format: .h5) { Adam() },
]

// One after the other, then both at once.
var alone: [Outcome] = []
for recipe in recipes { alone.append(try await train(recipe, in: folder)) }
let together = try await withThrowingTaskGroup(of: Outcome.self) { group in
  for recipe in recipes { group.addTask { [folder] in try await train(recipe, in: folder) } }
  var found: [String: Outcome] = [:]
  for try await outcome in group { found[outcome.name] = outcome }
  return found
}
try FileManager.default.removeItem(at: folder)

func bits(_ outcome: Outcome) -> [[UInt32]] {
  outcome.weights.map { $0.tensor.array(of: Float.self).map(\.bitPattern) }
}
let shared = together.values.map(\.end).min()!.timeIntervalSince(together.values.map(\.start).max()!)
if !(shared > 0) { fail("the models were not trained at the same time") }
for single in alone {
  let both = together[single.name]!
  print(
    String(
      format: "\(single.name): loss %.4f to %.4f, accuracy %.3f alone and %.3f beside the other",
      single.losses[0], single.losses.last!, single.accuracy, both.accuracy))
  if single.losses != both.losses { fail("\(single.name) has other losses beside another model") }
  if bits(single) != bits(both) { fail("\(single.name) has other weights beside another model") }
  if !(single.accuracy > 0.95) { fail("\(single.name) did not learn") }
}
print("every weight has the same bits, trained alone or beside another model")
