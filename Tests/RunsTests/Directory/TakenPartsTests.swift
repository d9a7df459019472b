import DPOTrain
import Evaluation
import Foundation
import MultiImageData
import Records
import Runs
import TestSupport
import Testing

@Suite("Parts taken over from other runs")
struct TakenPartsTests {
  @Test("files come along, unfinished ones and checkpoints do not, and the curves do")
  func takesFiles() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let donor = try RunDirectory(RunConfiguration.writing(to: folder.appendingPathComponent("a")))
      for name in ["sft/model/weights", "sft/checkpoints/step-1.h5", "sft/rows.0123.partial"] {
        try FileManager.default.createDirectory(
          at: donor.file(name).deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(name.utf8).write(to: donor.file(name))
      }
      let rows = [("sft", 1), ("sft", 2), ("train", 1)].map { MetricRow(stage: $0, step: $1, values: [:]) }
      try RowFile.write(rows, to: donor.metrics)
      try donor.markDone(.sft, seconds: 7)

      let run = try RunDirectory(
        RunConfiguration.writing(to: folder.appendingPathComponent("b")) { $0.train.beta = 0.9 })
      #expect(try run.takeOver(.sft, from: [run.url, donor.url]) == donor.url)
      #expect(run.record(of: .sft)?.from == "a" && run.record(of: .sft)?.seconds == 7)
      #expect(try String(contentsOf: run.file("sft/model/weights"), encoding: .utf8) == "sft/model/weights")
      #expect(!FileManager.default.fileExists(atPath: run.file("sft/checkpoints").path))
      #expect(!FileManager.default.fileExists(atPath: run.file("sft/rows.0123.partial").path))
      #expect(try RowFile.read(MetricRow.self, from: run.metrics).map(\.step) == [1, 2])

      // Replacing a file in one run leaves the other's alone.
      try Data("new".utf8).write(to: run.file("sft/model/weights"), options: .atomic)
      #expect(try String(contentsOf: donor.file("sft/model/weights"), encoding: .utf8) == "sft/model/weights")
    }
  }

  @Test("nothing is taken where a key it depends on differs, or where it is not done")
  func refuses() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let donor = try RunDirectory(RunConfiguration.writing(to: folder.appendingPathComponent("a")))
      try FileManager.default.createDirectory(at: donor.file("sft"), withIntermediateDirectories: true)
      try donor.markDone(.sft, seconds: 1)
      let other = try RunDirectory(
        RunConfiguration.writing(to: folder.appendingPathComponent("b")) { $0.sft.learningRate = 0.5 })
      #expect(try other.takeOver(.sft, from: [donor.url]) == nil && !other.isDone(.sft))
      let same = try RunDirectory(RunConfiguration.writing(to: folder.appendingPathComponent("c")))
      #expect(try same.takeOver(.compose, from: [donor.url]) == nil)
    }
  }

  @Test("each part depends on its own keys and on those of what it is made from")
  func dependencies() throws {
    let edits: [(RunPart, (inout RunConfiguration) -> Void)] = [
      (.sft, { $0.sft.maxSteps += 1 }), (.compose, { $0.compose.single += 1 }),
      (.answers, { $0.select.temperature += 1 }), (.select, { $0.select.perplexityMin += 1 }),
      (.train, { $0.train.beta += 1 }), (.questions, { $0.evaluate.questions += 1 }),
      (.before, { $0.evaluate.blind.toggle() }), (.evaluate, { $0.evaluate.bootstrapSamples += 1 }),
    ]
    try Fixtures.withTemporaryDirectory { folder in
      let base = try RunDirectory(RunConfiguration.writing(to: folder.appendingPathComponent("base")))
      for (first, edit) in edits {
        let other = try RunDirectory(
          RunConfiguration.writing(to: folder.appendingPathComponent(first.rawValue), edit))
        for part in RunPart.allCases where part != .report {
          let isReached = part == first || part.needs.contains(first)
          #expect(
            (base.key(of: part) != other.key(of: part)) == isReached, "\(first.rawValue) on \(part.rawValue)")
        }
      }
    }
  }
}
