import Checkpoint
import Foundation
import LVLM
import Tensor
import TestSupport
import Testing

/// A file of expected numbers.
struct Golden {
  static let modelDirectory = Fixtures.url("golden/llava_tiny")

  let file: HDF5File

  init(_ name: String) throws { try self.init(at: Fixtures.url("golden/\(name)")) }

  init(at url: URL) throws { file = try HDF5File(reading: url) }

  static func model() throws -> LlavaModel { try LlavaModel.load(from: modelDirectory) }

  static func tokenizer() throws -> Tokenizer {
    try Tokenizer(contentsOf: modelDirectory.appending(component: "tokenizer.model"))
  }

  func tensor(_ path: String) throws -> Tensor {
    let array = try file.read(path)
    return Tensor(array.floats(), shape: array.shape)
  }

  func integers(_ path: String) throws -> [Int32] {
    try #require(try file.read(path).scalars(of: Int64.self)).map(Int32.init)
  }

  func real(_ name: String, on path: String) throws -> Double {
    guard case .real(let value)? = try file.attribute(name, on: path) else {
      throw CheckpointError(.missing, file: file.url.path, at: path, found: "no number \(name)")
    }
    return value
  }

  /// The largest error that the README allows for the dataset at `path`.
  func allowedError(_ path: String) throws -> Double {
    let largest = Double(try file.read(path).floats().map(abs).max() ?? 0)
    let noise = (try? real("f32_err", on: path)) ?? 0
    return max(8 * noise, 2e-6 * largest, 1e-7)
  }

  /// Expects `tensor` to be the dataset at `path` by the rule of the README.
  func expect(
    _ tensor: Tensor, is path: String, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let expected = try file.read(path).floats()
    let found = tensor.array(of: Float.self)
    try #require(found.count == expected.count, "\(path): \(tensor.shape)", sourceLocation: sourceLocation)
    let allowed = try allowedError(path)
    let error = zip(found, expected).map { Double(abs($0 - $1)) }.max() ?? 0
    #expect(
      error <= allowed, "\(path): largest error \(error), allowed \(allowed)", sourceLocation: sourceLocation)
  }
}

/// Small models that tests make themselves.
enum TinyModel {
  static let configuration = LlavaConfiguration(
    vision: VisionConfiguration(
      hiddenSize: 8, intermediateSize: 12, hiddenLayerCount: 2, attentionHeadCount: 2, imageSize: 4,
      patchSize: 2,
      projectionSize: 8),
    text: TextConfiguration(
      vocabularySize: 20, hiddenSize: 8, intermediateSize: 10, hiddenLayerCount: 3, attentionHeadCount: 4,
      keyValueHeadCount: 2, headSize: 4, contextLength: 64),
    imageTokenIndex: 19)

  static let imageID: Int32 = 19
  static let patches = 4
  static let grid = FeatureGrid(rows: 2, columns: 2)

  static func make(
    _ configuration: LlavaConfiguration = configuration, seed: UInt64 = 1, dtype: DType = .float32
  ) throws -> LlavaModel {
    var generator = RandomGenerator(seed: seed)
    let model = try LlavaModel(configuration, using: &generator)
    for (name, parameter) in model.namedParameters() {
      if name.hasSuffix("norm.weight") || name.hasSuffix("layernorm.weight") {
        parameter.tensor = .randomUniform(parameter.shape, in: 0.5..<1.5, using: &generator)
      }
      parameter.convert(to: dtype)
    }
    return model
  }

  static func pixels(_ count: Int, seed: UInt64 = 2, dtype: DType = .float32) -> Tensor {
    var generator = RandomGenerator(seed: seed)
    return Tensor.randomNormal([count, 3, 4, 4], using: &generator).to(dtype)
  }

  static func image() -> [Int32] { Array(repeating: imageID, count: patches) }

  /// Two prompts, with one and two pictures, and two and three answers.
  static let examples = [
    PackedExample(
      promptIDs: [1, 4] + image() + [5, 6], images: [1], completions: [[7, 8, 2], [9, 2]]),
    PackedExample(
      promptIDs: [1] + image() + [3] + image() + [10, 11], images: [2, 0],
      completions: [[2], [12, 13, 14, 2], [12, 2]]),
  ]

  static func batch(_ examples: [PackedExample], sharesPrefix: Bool = true) throws -> PackedBatch {
    try PackedBatch(
      examples, sharesPrefix: sharesPrefix, imageTokenID: imageID,
      features: FeatureLayout(repeating: grid, count: 3))
  }
}

/// The largest difference between two tensors.
func difference(_ a: Tensor, _ b: Tensor) -> Double {
  precondition(a.shape == b.shape, "\(a.shape) and \(b.shape)")
  return zip(a.array(of: Double.self), b.array(of: Double.self)).map { abs($0 - $1) }.max() ?? 0
}
