import Checkpoint
import Foundation
import Tensor
import TestSupport
import Testing

@Suite struct TrainingCheckpointTests {
  static let sample = TrainingCheckpoint(
    model: [
      ("decoder.layers.0.weight", Tensor([1 as Float, 2, 3, 4], shape: [2, 2])),
      ("decoder.layers.10.weight", Tensor([5 as Float])),
      ("decoder.layers.2.weight", Tensor([6 as Float])),
      ("head.bias", Tensor([0.25 as Double], shape: [])),
    ],
    optimizer: [("head.bias.m", Tensor([0.5])), ("head.bias.v", Tensor([0.75]))],
    random: ["data": [.max, 2], "dropout": [1, 2, 3, 4]],
    progress: ["step": .integer(7), "epoch": .real(0.5), "stage": .text("dpo")],
    configuration: "a: 1\n", configurationHash: "abc", codeVersion: "1.0")

  @Test func roundTrip() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let url = folder.appendingPathComponent("step-7.h5")
      try Self.sample.write(to: url)
      let read = try TrainingCheckpoint(reading: url)
      #expect(Content(read) == Content(Self.sample))
      #expect(try TrainingCheckpoint.readModel(url).map(\.name) == Self.sample.model.map(\.name))
      #expect(read.integer("step") == 7)
      #expect(read.real("epoch") == 0.5)
      #expect(read.real("step") == 7)
      #expect(read.text("stage") == "dpo")
      #expect(read.integer("stage") == nil)
      let first = try Data(contentsOf: url)
      try Self.sample.write(to: url)
      #expect(try Data(contentsOf: url) == first)
    }
  }

  /// Parameters are handed over one by one, after everything else was looked at.
  @Test func parametersAreReadOneByOne() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let url = folder.appendingPathComponent("large.h5")
      let names = (0..<24).map { "p\($0)" }
      let model = names.enumerated().map { number, name in
        (name: name, tensor: Tensor([Float](repeating: Float(number), count: 1024)))
      }
      try TrainingCheckpoint(model: model, configurationHash: "abc").write(to: url)
      struct Refused: Error {}
      #expect(throws: Refused.self) {
        try TrainingCheckpoint(reading: url) { checkpoint in
          #expect(checkpoint.configurationHash == "abc" && checkpoint.model.isEmpty)
          throw Refused()
        } take: { _ in
          Issue.record("a parameter was read before the check")
        }
      }
      var seen: [String] = []
      let read = try TrainingCheckpoint(reading: url) { entry in
        #expect(StoredArray(entry.tensor) == StoredArray(model[seen.count].tensor))
        seen.append(entry.name)
      }
      #expect(read.model.isEmpty && seen == names)
    }
  }

  @Test func cutShortAtEveryLength() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let url = folder.appendingPathComponent("whole.h5")
      try Self.sample.write(to: url)
      let whole = try Data(contentsOf: url)
      let cut = folder.appendingPathComponent("cut.h5")
      for length in Array(stride(from: 0, to: whole.count, by: 61)) + [whole.count - 1] {
        try whole.prefix(length).write(to: cut)
        let error = #expect(throws: CheckpointError.self) { try TrainingCheckpoint(reading: cut) }
        #expect(
          error?.kind == (length < 8 ? .wrongFormat : .damaged) || error?.kind == .wrongFormat, "\(length)")
        #expect(error?.file == cut.path)
      }
    }
  }

  @Test func anotherVersionOrFormat() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let url = folder.appendingPathComponent("other.h5")
      try HDF5File.write(to: url) { try $0.setAttribute("format_version", .integer(99)) }
      var error = #expect(throws: CheckpointError.self) { try TrainingCheckpoint(reading: url) }
      #expect(error?.description == "\(url.path): format_version: found version 99, expected version 1 to 2")
      try HDF5File.write(to: url) { try $0.createGroup("x") }
      error = #expect(throws: CheckpointError.self) { try TrainingCheckpoint(reading: url) }
      #expect(error?.kind == .wrongFormat)
      try HDF5File.write(to: url) { file in
        try file.setAttribute("format_version", .integer(1))
        try file.createGroup("model")
      }
      error = #expect(throws: CheckpointError.self) { try TrainingCheckpoint(reading: url) }
      #expect(error?.description == "\(url.path): /optimizer: found no `optimizer` in /")
    }
  }

  @Test func anotherConfiguration() throws {
    let url = URL(fileURLWithPath: "/runs/step-7.h5")
    try Self.sample.requireConfiguration(hash: "abc", in: url)
    let error = #expect(throws: CheckpointError.self) {
      try Self.sample.requireConfiguration(hash: "def", in: url)
    }
    #expect(
      error?.description
        == "/runs/step-7.h5: configuration_hash: found `abc`, expected `def` of the present configuration")
  }

  @Test(arguments: ["a..b", "", "a/b", ".a", "a."])
  func namesThatAreNoPaths(name: String) throws {
    try Fixtures.withTemporaryDirectory { folder in
      let url = folder.appendingPathComponent("x.h5")
      let error = #expect(throws: CheckpointError.self) {
        try TrainingCheckpoint(model: [(name, Tensor([1 as Float]))]).write(to: url)
      }
      #expect(error?.kind == .cannotWrite)
      let left = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      #expect(left.isEmpty)
    }
  }
}

/// What a checkpoint holds, for comparing to the byte.
struct Content: Equatable {
  let names: [String]
  let arrays: [StoredArray]
  let random: [String: [UInt64]]
  let progress: [String: TrainingCheckpoint.Progress]
  let texts: [String]

  init(_ checkpoint: TrainingCheckpoint) {
    let entries = checkpoint.model + checkpoint.optimizer
    names = entries.map(\.name)
    arrays = entries.map { StoredArray($0.tensor) }
    random = checkpoint.random
    progress = checkpoint.progress
    texts = [checkpoint.configuration, checkpoint.configurationHash, checkpoint.codeVersion]
  }
}
