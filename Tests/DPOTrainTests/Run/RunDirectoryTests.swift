import DPOTrain
import Foundation
import TestSupport
import Testing

@Suite struct RunDirectoryTests {
  @Test func stagesAreRememberedWithWhatTheyDependOn() throws {
    try Fixtures.withTemporaryDirectory { folder in
      do {
        let run = try RunDirectory(RunConfiguration.writing(to: folder))
        #expect(!run.isDone(.compose))
        try run.markDone(.sft, seconds: 2)
        try run.markDone(.compose, seconds: 1.5)
        try run.markDone(.select, seconds: 1)
        #expect(run.record(of: .compose)?.seconds == 1.5)
        #expect(throws: RunDirectoryError.missingStage(.train, neededBy: .evaluate, folder.path)) {
          try run.requirePrerequisites(of: .evaluate)
        }
        try run.requirePrerequisites(of: .train)
      }
      let run = try RunDirectory(RunConfiguration.writing(to: folder) { $0.report.samples = 1 })
      #expect(run.isDone(.select))
      try run.markUndone(.sft)
      #expect(!run.isDone(.sft) && !run.isDone(.select) && run.isDone(.compose))
    }
  }

  @Test func anotherConfigurationIsRefusedAndKeepsTheFiles() throws {
    try Fixtures.withTemporaryDirectory { folder in
      do {
        let run = try RunDirectory(RunConfiguration.writing(to: folder))
        try Data("rows".utf8).write(to: run.metrics)
      }
      let before = try Data(contentsOf: folder.appendingPathComponent("config.yaml"))
      let other = RunConfiguration.writing(to: folder) { $0.train.beta = 0.5 }
      #expect(
        throws: RunDirectoryError.otherConfiguration(
          folder.path, found: RunConfiguration.writing(to: folder).hash, expected: other.hash)
      ) { try RunDirectory(other) }
      #expect(try Data(contentsOf: folder.appendingPathComponent("config.yaml")) == before)
      #expect(try Data(contentsOf: folder.appendingPathComponent("metrics.jsonl")) == Data("rows".utf8))
    }
  }

  @Test func freshRemovesTheRunAndNothingElse() throws {
    try Fixtures.withTemporaryDirectory { folder in
      do {
        let run = try RunDirectory(RunConfiguration.writing(to: folder))
        try Data("rows".utf8).write(to: run.metrics)
        try Data("e".utf8).write(to: run.file("events.out.tfevents.1.host"))
        try Data("mine".utf8).write(to: run.file("notes.txt"))
        try run.markDone(.sft, seconds: 1)
      }
      let run = try RunDirectory(RunConfiguration.writing(to: folder) { $0.train.beta = 0.5 }, fresh: true)
      let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
      #expect(names == [".lock", "config.yaml", "notes.txt"])
      #expect(try RunConfiguration(contentsOf: run.file("config.yaml")).train.beta == 0.5)
    }
  }

  @Test func aDirectoryOfOtherThingsIsRefused() throws {
    try Fixtures.withTemporaryDirectory { folder in
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      try Data("mine".utf8).write(to: folder.appendingPathComponent("thesis.txt"))
      for fresh in [false, true] {
        #expect(throws: RunDirectoryError.notARun(folder.path, "thesis.txt")) {
          try RunDirectory(RunConfiguration.writing(to: folder), fresh: fresh)
        }
      }
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["thesis.txt"])
    }
  }

  @Test func twoRunsCannotShareADirectory() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let run = try RunDirectory(RunConfiguration.writing(to: folder))
      let pid = ProcessInfo.processInfo.processIdentifier
      #expect(throws: RunDirectoryError.locked(folder.path, holder: " (process \(pid))")) {
        try RunDirectory(RunConfiguration.writing(to: folder))
      }
      withExtendedLifetime(run) {}
    }
  }

  @Test func messagesNameTheWayOut() {
    #expect(
      "\(RunDirectoryError.otherConfiguration("runs/a", found: "0123456789abcdef", expected: "fedcba9876543210"))"
        == "runs/a: found a run of another configuration (0123456789ab), expected fedcba987654; "
        + "start over with --fresh or keep both with --set run.output_dir=DIR")
    #expect(
      "\(RunDirectoryError.missingStage(.sft, neededBy: .select, "runs/a"))"
        == "runs/a: select needs the files of sft, which is not done; run dpotrain sft with this configuration "
        + "first, or dpotrain for all stages")
  }
}
