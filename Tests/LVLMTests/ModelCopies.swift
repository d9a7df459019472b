import Checkpoint
import Foundation
import LVLM
import Tensor
import TestSupport
import Testing

/// What tests of model directories share: a copy of the test model to change, and what comes of opening it.
protocol ModelCopies {}

extension ModelCopies {
  /// Calls `body` with a copy of the test model's directory.
  func withCopy(_ body: (URL) throws -> Void) throws {
    try Fixtures.withTemporaryDirectory { folder in
      let copy = folder.appending(component: "model")
      try FileManager.default.copyItem(at: Fixtures.url("verification/llava_tiny"), to: copy)
      try body(copy)
    }
  }

  /// The object in a JSON file.
  func object(_ file: URL) throws -> [String: Any] {
    try #require(JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
  }

  /// Writes a JSON file.
  func write(_ object: Any, _ name: String, _ folder: URL) throws {
    try JSONSerialization.data(withJSONObject: object).write(to: folder.appending(component: name))
  }

  /// Changes the object in a JSON file; a section is an object inside.
  func edit(_ name: String, section: String? = nil, _ folder: URL, _ change: (inout [String: Any]) -> Void)
    throws
  {
    var all = try object(folder.appending(component: name))
    if let section {
      var inner = try #require(all[section] as? [String: Any])
      change(&inner)
      all[section] = inner
    } else {
      change(&all)
    }
    try write(all, name, folder)
  }

  /// The words of the error that is thrown, or `no error`.
  func message(_ body: () throws -> Void) -> String {
    do {
      try body()
      return "no error"
    } catch { return "\(error)" }
  }

  /// The words of the error with which a directory is refused, or `no error` and the notes.
  func message(_ directory: URL, template: ChatTemplate? = nil) -> String {
    do {
      let loaded = try PretrainedModel.load(from: directory, template: template)
      return "no error; " + loaded.notes.joined(separator: "; ")
    } catch { return "\(error)" }
  }

  /// log p of "red" and its end, for the picture of 50×20 pixels.
  func answer(_ loaded: PretrainedModel) throws -> Double {
    let example = try loaded.encoder.example(
      question: "<image>\nWhich colour?", images: [0], answers: ["red"])
    let features = try loaded.imageFeatures([ImageProcessorTableTests.picture(50, 20)])
    let batch = try PackedBatch(
      [example], sharesPrefix: true, imageTokenID: loaded.encoder.imageTokenID, features: features.layout)
    let values = noGradient { loaded.model.logProbabilities(batch, imageFeatures: features) }
    return Double(values.sum().item())
  }

  /// Compares that of a directory with a number of transformers.
  func expect(_ expected: Double, _ directory: URL) throws {
    let found = try answer(try PretrainedModel.load(from: directory, template: .plain))
    #expect(abs(found - expected) < 1e-4, "\(found)")
  }
}
