// Names clothes on pictures of 28×28 pixels with a network of one hidden layer: at least 88 % within a
// minute.
//
//   apt-get install --no-install-recommends dataset-fashion-mnist
//   swift run -c release --package-path Examples fashion-mnist [FOLDER]
import Foundation
import Tensor

/// The bytes of a gzipped IDX file after its header, and the sizes the header states.
func readIDX(_ path: String, dimensions: Int) throws -> (bytes: [UInt8], shape: [Int]) {
  let gzip = Process()
  gzip.executableURL = URL(fileURLWithPath: "/usr/bin/env")
  gzip.arguments = ["gzip", "-dc", path]
  let pipe = Pipe()
  gzip.standardOutput = pipe
  try gzip.run()
  let bytes = [UInt8](pipe.fileHandleForReading.readDataToEndOfFile())
  gzip.waitUntilExit()
  let header = 4 + 4 * dimensions
  guard gzip.terminationStatus == 0, bytes.count >= header, bytes[2] == 8, Int(bytes[3]) == dimensions else {
    throw TensorError(
      operation: "readIDX", message: "\(path) is no gzipped IDX file of \(dimensions) dimensions")
  }
  let shape = (0..<dimensions).map { d in bytes[4 + 4 * d..<8 + 4 * d].reduce(0) { $0 << 8 | Int($1) } }
  guard bytes.count - header == shape.reduce(1, *) else {
    throw TensorError(
      operation: "readIDX", message: "\(path) holds \(bytes.count - header) bytes for \(shape)")
  }
  return (Array(bytes[header...]), shape)
}

/// Pictures `[n, 784]` with mean 0 and deviation 1 over the training set, and their classes `[n]`.
func load(_ folder: String, _ part: String) throws -> (pictures: Tensor, classes: Tensor) {
  let pictures = try readIDX("\(folder)/\(part)-images-idx3-ubyte.gz", dimensions: 3)
  let classes = try readIDX("\(folder)/\(part)-labels-idx1-ubyte.gz", dimensions: 1)
  let pixels = Tensor(pictures.bytes, shape: [pictures.shape[0], 784]).to(.float32)
  return ((pixels / 255 - 0.286) / 0.353, Tensor(classes.bytes).to(.int64))
}

final class Network: Module {
  let hidden: Linear
  let head: Linear

  init(using generator: inout RandomGenerator) {
    hidden = Linear(784, 256, using: &generator)
    head = Linear(256, 10, using: &generator)
  }

  /// Pictures `[n, 784]` to logits `[n, 10]`.
  func callAsFunction(_ pictures: Tensor) -> Tensor { head(hidden(pictures).relu()) }

  func visitParameters(_ visitor: inout ParameterVisitor) {
    visitor.child("hidden", hidden)
    visitor.child("head", head)
  }
}

let folder = CommandLine.arguments.dropFirst().first ?? "/usr/share/datasets/fashion-mnist"
guard FileManager.default.fileExists(atPath: "\(folder)/train-images-idx3-ubyte.gz") else {
  print(
    "skipped: \(folder) has no train-images-idx3-ubyte.gz; apt-get install dataset-fashion-mnist brings it")
  exit(0)
}
let start = Date()
let training = try load(folder, "train")
let test = try load(folder, "t10k")

var generator = RandomGenerator(seed: 1)
let network = Network(using: &generator)
let parameters = network.trainableParameters()
let (epochs, batch) = (8, 128)
let count = training.classes.count
let stepsPerEpoch = count / batch
let schedule = LearningRateSchedule(.cosine, peak: 2e-3, warmupSteps: 50, totalSteps: epochs * stepsPerEpoch)
let optimizer = AdamW(weightDecay: 0.01)

for epoch in 0..<epochs {
  let order = generator.permutation(count)
  var total = 0.0
  for step in 0..<stepsPerEpoch {
    let chosen = Tensor(order[step * batch..<(step + 1) * batch].map { Int64($0) })
    let loss = crossEntropy(
      network(training.pictures.rows(at: chosen)), targets: training.classes.rows(at: chosen))
    optimizer.learningRate = schedule.rate(step: epoch * stepsPerEpoch + step)
    optimizer.step(parameters, loss.backward())
    total += loss.item()
  }
  let seconds = Date().timeIntervalSince(start)
  print(
    "epoch \(epoch + 1)  loss \(String(format: "%.4f", total / Double(stepsPerEpoch)))  "
      + "\(String(format: "%.1f", seconds)) s")
}

let accuracy = noGradient {
  (network(test.pictures).argmax(axis: 1) .== test.classes).to(.float32).mean().item()
}
print("accuracy on \(test.classes.count) new pictures: \(String(format: "%.1f", 100 * accuracy)) %")
guard accuracy >= 0.88 else {
  print("did not learn: expected at least 88 %")
  exit(1)
}
