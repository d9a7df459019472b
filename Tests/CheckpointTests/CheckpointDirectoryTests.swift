import Checkpoint
import Foundation
import TestSupport
import Testing

@Suite struct CheckpointDirectoryTests {
  private func checkpoint(_ step: Int) -> TrainingCheckpoint {
    var result = TrainingCheckpointTests.sample
    result.progress["step"] = .integer(Int64(step))
    return result
  }

  @Test func retentionAndLatest() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let directory = CheckpointDirectory(folder.appendingPathComponent("checkpoints"), keepLast: 2)
      #expect(try directory.newest() == nil)
      #expect(try directory.steps().isEmpty)
      for step in [5, 10, 90, 100] { try directory.save(checkpoint(step), step: step) }
      #expect(try directory.steps() == [90, 100])
      #expect(try String(contentsOf: directory.latestFile, encoding: .utf8) == "step-100.h5\n")
      let newest = try #require(try directory.readNewest())
      #expect(newest.step == 100)
      #expect(Content(newest.checkpoint) == Content(checkpoint(100)))
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: directory.url.path).sorted()
          == ["latest", "step-100.h5", "step-90.h5"])
    }
  }

  @Test func leftoversAreIgnoredThenRemoved() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let directory = CheckpointDirectory(folder)
      try directory.save(checkpoint(1), step: 1)
      let leftover = folder.appendingPathComponent(".step-2.h5.4711.tmp")
      try Data("half".utf8).write(to: leftover)
      try Data("x".utf8).write(to: folder.appendingPathComponent("step-x.h5"))
      #expect(try directory.steps() == [1])
      #expect(try directory.newest()?.step == 1)
      try directory.save(checkpoint(3), step: 3)
      #expect(!FileManager.default.fileExists(atPath: leftover.path))
      #expect(try directory.newest()?.step == 3)
    }
  }

  @Test func latestDecides() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let directory = CheckpointDirectory(folder)
      try directory.save(checkpoint(1), step: 1)
      try checkpoint(2).write(to: directory.file(step: 2))
      #expect(try directory.newest()?.step == 1)
      try FileManager.default.removeItem(at: directory.latestFile)
      #expect(try directory.newest()?.step == 2)
      try Data("step-9.h5\n".utf8).write(to: directory.latestFile)
      var error = #expect(throws: CheckpointError.self) { try directory.newest() }
      #expect(
        error?.description
          == "\(directory.latestFile.path): found the name step-9.h5 of a file that is not there, expected one of step 1, 2"
      )
      try Data("nonsense".utf8).write(to: directory.latestFile)
      error = #expect(throws: CheckpointError.self) { try directory.newest() }
      #expect(error?.kind == .missing)
    }
  }

  @Test func damagedOnesArePassedOver() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let directory = CheckpointDirectory(folder, keepLast: 3)
      for step in [1, 2] { try directory.save(checkpoint(step), step: step) }
      try Data(contentsOf: directory.file(step: 2)).prefix(1000).write(to: directory.file(step: 2))
      var reports: [CheckpointError] = []
      let valid = try directory.readNewestValid { reports.append($0) }
      #expect(valid?.step == 1)
      #expect(reports.map(\.kind) == [.damaged])
      #expect(throws: CheckpointError.self) { try directory.readNewest() }
    }
  }

  @Test func folderThatCannotBe() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let file = folder.appendingPathComponent("file")
      try Data().write(to: file)
      let error = #expect(throws: CheckpointError.self) {
        try CheckpointDirectory(file.appendingPathComponent("sub")).save(checkpoint(1), step: 1)
      }
      #expect(error?.kind == .cannotWrite)
    }
  }
}
