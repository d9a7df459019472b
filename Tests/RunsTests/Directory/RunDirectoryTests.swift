import Foundation
import Records
import Runs
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
      #expect(!run.isDone(.sft) && run.isDone(.compose))
      // Made again with the same outcome, nothing after it falls; with another one, what is made from it
      // does.
      try run.markDone(.sft, seconds: 1)
      #expect(run.isDone(.select) && run.isDone(.compose))
      try Data("other".utf8).write(to: run.folder(.sft).appendingPathComponent("weights"))
      try run.markDone(.sft, seconds: 1)
      #expect(!run.isDone(.select) && run.isDone(.compose))
    }
  }

  @Test func aDirectoryKilledAtItsFirstWriteStartsAgain() throws {
    try Fixtures.withTemporaryDirectory { folder in
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      // Of processes that are no more, as all numbers this large are.
      let leftovers = [".dat.nosync3b9aca00.Ab12Cd", ".config.yaml.999999999.1.tmp", ".lock"]
      for name in leftovers { try Data("half".utf8).write(to: folder.appendingPathComponent(name)) }
      let run = try RunDirectory(RunConfiguration.writing(to: folder))
      let names = try FileManager.default.contentsOfDirectory(atPath: run.url.path).sorted()
      #expect(names == [".lock", "config.sfv", "config.yaml"])
    }
  }

  @Test func leftoversOfDeadProcessesAreSweptAndOthersStay() throws {
    try Fixtures.withTemporaryDirectory { folder in
      do { _ = try RunDirectory(RunConfiguration.writing(to: folder)) }
      let living = "compose/images/.a.png.\(getpid()).7.tmp"
      let dead = [
        "compose/images/.a.png.999999999.7.tmp", "sft/.dat.nosync3b9aca00.Ab12Cd",
        "checkpoints/.step-1.h5.999999999.tmp",
      ]
      for name in dead + [living] {
        let url = folder.appendingPathComponent(name)
        try FileManager.default.createDirectory(
          at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data("half".utf8).write(to: url)
      }
      let run = try RunDirectory(RunConfiguration.writing(to: folder))
      for name in dead { #expect(!FileManager.default.fileExists(atPath: run.file(name).path), "\(name)") }
      #expect(FileManager.default.fileExists(atPath: run.file(living).path))
    }
  }

  @Test func anotherConfigurationKeepsTheFiles() throws {
    try Fixtures.withTemporaryDirectory { folder in
      do {
        let run = try RunDirectory(RunConfiguration.writing(to: folder))
        try Data("rows".utf8).write(to: run.metrics)
        try run.markDone(.compose, seconds: 1)
      }
      let run = try RunDirectory(RunConfiguration.writing(to: folder) { $0.train.beta = 0.5 })
      #expect(run.isDone(.compose))
      #expect(try Data(contentsOf: run.metrics) == Data("rows".utf8))
    }
  }

  @Test func aLockNamesWhoHoldsIt() throws {
    try Fixtures.withTemporaryDirectory { folder in
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      let lock = folder.appendingPathComponent(".lock")
      let first = try FileLock(lock, directory: "here")
      let error = #expect(throws: RunDirectoryError.self) { try FileLock(lock, directory: "here") }
      #expect("\(error!)".contains("(process \(getpid()) on \(ProcessInfo.processInfo.hostName))"))
      withExtendedLifetime(first) {}
    }
  }

  @Test(arguments: [ENOLCK, ENOSYS, EOPNOTSUPP, EINVAL]) func fileSystemsWithoutLocks(code: Int32) throws {
    try Fixtures.withTemporaryDirectory { folder in
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      let lock = folder.appendingPathComponent(".lock")
      let token = folder.appendingPathComponent(".lock.host")
      func take() throws -> FileLock {
        try FileLock(lock, directory: "here") { _ in
          errno = code
          return -1
        }
      }
      do {
        let first = try take()
        let error = #expect(throws: RunDirectoryError.self) { try take() }
        #expect("\(error!)".contains("this file system has no locks; remove it when that is no more"))
        withExtendedLifetime(first) {}
      }
      #expect(!FileManager.default.fileExists(atPath: token.path))
      // One of this host that is no more.
      try Data("\(ProcessInfo.processInfo.hostName) process 999999999\n".utf8).write(to: token)
      let second = try take()
      #expect(FileManager.default.fileExists(atPath: token.path))
      withExtendedLifetime(second) {}
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
      #expect(names == [".lock", "config.sfv", "config.yaml", "notes.txt"])
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
      let holder = " (process \(pid) on \(ProcessInfo.processInfo.hostName))"
      #expect(throws: RunDirectoryError.locked(folder.path, holder: holder)) {
        try RunDirectory(RunConfiguration.writing(to: folder))
      }
      withExtendedLifetime(run) {}
    }
  }

  @Test func messagesNameTheWayOut() {
    #expect(
      "\(RunDirectoryError.missingStage(.sft, neededBy: .select, "runs/a"))"
        == "runs/a: select needs the files of sft, which is not done; run dpotrain sft with this configuration "
        + "first, or dpotrain for all stages")
  }
}
