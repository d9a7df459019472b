import Checkpoint
import DPOTrain
import Foundation
import Records
import Runs
import TestSupport
import Testing

/// Checksums of a run's parts, and what becomes of a part that is made again.
@Suite struct PartFilesTests {
  private func write(_ text: String, _ url: URL) throws {
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: url)
  }

  /// A run whose parts all have a file.
  private func finished(_ configuration: RunConfiguration) throws -> RunDirectory {
    let run = try RunDirectory(configuration)
    for name in [
      "sft/model/config.json", "compose/records.jsonl", "compose/images/a b.png", "select/answers.jsonl",
      "select/summary.json", "pairs.jsonl", "train/model/config.json", "evaluate/questions/single.jsonl",
      "evaluate/before.jsonl", "evaluate/after.jsonl", "results.json", "report.html",
    ] { try write(name, run.file(name)) }
    for part in RunPart.allCases { try run.markDone(part, seconds: 1) }
    return run
  }

  @Test func everyFileOfEveryPartIsListed() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let run = try finished(RunConfiguration.writing(to: folder))
      let files = FileManager.default.enumerator(atPath: folder.path)!.compactMap { $0 as? String }
      var listed: Set<String> = []
      for part in RunPart.allCases {
        let list = try ChecksumList(reading: run.file(part.listName))
        listed.formUnion(list.entries.map { part.unlisted($0.path) })
      }
      var isFolder: ObjCBool = false
      for name in files where !name.hasSuffix("done.json") && !name.hasSuffix(".sfv") && name != "config.yaml"
      {
        guard FileManager.default.fileExists(atPath: run.file(name).path, isDirectory: &isFolder),
          !isFolder.boolValue,
          !name.hasPrefix(".lock")
        else { continue }
        #expect(listed.contains(name), "\(name)")
      }
    }
  }

  @Test func damageIsFoundByNameAndAcceptedOnRequest() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let configuration = RunConfiguration.writing(to: folder)
      do { _ = try finished(configuration) }
      for (part, name) in [
        (RunPart.sft, "sft/model/config.json"), (.compose, "compose/images/a b.png"),
        (.select, "pairs.jsonl"),
        (.answers, "select/answers.jsonl"), (.before, "evaluate/before.jsonl"), (.evaluate, "results.json"),
      ] {
        let url = folder.appendingPathComponent(name)
        let whole = try Data(contentsOf: url)
        for bytes in [whole.dropLast(), whole + Data("x".utf8), Data(whole.map { $0 ^ 4 }), Data()] {
          try bytes.write(to: url)
          let run = try RunDirectory(configuration)
          let error = #expect(throws: RunDirectoryError.self) { try run.verify(part) }
          #expect("\(error!)".contains("\(name): found \(bytes.count) bytes of CRC-32 "), "\(error!)")
          #expect("\(error!)".contains("--redo \(part.rawValue) makes it again"), "\(error!)")
        }
        try FileManager.default.removeItem(at: url)
        #expect(throws: RunDirectoryError.self) { try RunDirectory(configuration).verify(part) }
        try whole.write(to: url)
        try RunDirectory(configuration).verify(part)
      }
      // A change that is meant: what was made from the file is no longer done.
      try write("edited", folder.appendingPathComponent("pairs.jsonl"))
      let run = try RunDirectory(configuration)
      try run.accept("pairs.jsonl")
      try run.verify(.select)
      #expect(run.isDone(.select) && !run.isDone(.train) && run.isDone(.before))
      #expect(throws: RunDirectoryError.notAPartsFile("nothing.txt")) { try run.accept("nothing.txt") }
    }
  }

  @Test func aDamagedRecordOrListIsRefused() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let configuration = RunConfiguration.writing(to: folder)
      do { _ = try finished(configuration) }
      for name in ["sft/done.json", "evaluate/before.done.json"] {
        let url = folder.appendingPathComponent(name)
        let whole = [UInt8](try Data(contentsOf: url))
        var silent = 0
        for position in whole.indices {
          var bytes = whole
          bytes[position] ^= 1
          try Data(bytes).write(to: url)
          // The name of the checksum itself may be lost: then the record has files, and needs one.
          if (try? PartStates(configuration, in: folder)) != nil { silent += 1 }
        }
        #expect(silent == 0, "\(name)")
        try Data(whole).write(to: url)
      }
      let list = folder.appendingPathComponent("sft/sft.sfv")
      try Data(try Data(contentsOf: list).dropLast(3)).write(to: list)
      let run = try RunDirectory(configuration)
      #expect(throws: RunDirectoryError.self) { try run.verify(.sft) }
    }
  }

  @Test func recordsOfEarlierVersionsAreRead() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let configuration = RunConfiguration.writing(to: folder)
      do { _ = try RunDirectory(configuration) }
      try write(
        #"{ "key" : "\#(configuration.hash(of: .sft))", "seconds" : 2 }"#,
        folder.appendingPathComponent("sft/done.json"))
      let run = try RunDirectory(configuration)
      #expect(run.isDone(.sft))
      try run.verify(.sft)
    }
  }

  @Test func aRecordOfFewerKeysHoldsWhereTheNewOnesHaveTheirDefaults() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let configuration = RunConfiguration.writing(to: folder) { $0.train.gamma = 0.2 }
      do { _ = try finished(configuration) }
      // As a version without train.beta would have left it.
      let url = folder.appendingPathComponent("train/done.json")
      var record = try #require(
        try JSONSerialization.jsonObject(with: Data(contentsOf: url)) as? [String: Any])
      record["key"] = "of another version"
      record["crc32"] = nil
      record["files"] = nil
      var settings = try #require(record["settings"] as? [String: String])
      settings["train.beta"] = nil
      record["settings"] = settings
      try JSONSerialization.data(withJSONObject: record).write(to: url)
      #expect(try PartStates(configuration, in: folder).done.contains(.train))
      let other = RunConfiguration.writing(to: folder) {
        $0.train.gamma = 0.2
        $0.train.beta = 0.5
      }
      #expect(try PartStates(other, in: folder).stale.contains(.train))
    }
  }

  /// A list that names other files than were written, or none, leaves no file of the part behind.
  @Test func aDamagedListLosesNoFile() throws {
    let damages: [(String) -> String] = [
      { $0.replacing("config.json", with: "confjg.json") }, { String($0.prefix($0.count / 2)) }, { _ in "" },
      { $0.replacing(" ", with: "\0") },
    ]
    for (number, damage) in damages.enumerated() {
      try Fixtures.withTemporaryDirectory { folder in
        do { _ = try finished(RunConfiguration.writing(to: folder)) }
        let list = folder.appendingPathComponent("train/train.sfv")
        try write(damage(try String(contentsOf: list, encoding: .utf8)), list)
        do {
          let run = try RunDirectory(RunConfiguration.writing(to: folder) { $0.train.gamma = 0.3 })
          #expect("\(run.problemOfList(of: .train)!)".contains("train/train.sfv"), "\(number)")
          #expect(run.problemOfList(of: .sft) == nil)
          #expect(try run.setAside(.train) == "replaced/1")
          for name in ["train/model/config.json", "train/train.sfv", "train/done.json"] {
            let kept = run.file("replaced/1/" + name).path
            #expect(FileManager.default.fileExists(atPath: kept), "\(number): \(name)")
            #expect(!FileManager.default.fileExists(atPath: run.file(name).path), "\(number): \(name)")
          }
        }
        var refusals: [String] = []
        let back = try RunDirectory(RunConfiguration.writing(to: folder))
        #expect(
          try back.takeOver(.train, from: back.replacedRuns) { refusals.append("\($0)") } == nil)
        #expect(refusals.contains { $0.contains("train.sfv") }, "\(number): \(refusals)")
      }
    }
  }

  @Test func whatIsMadeAgainIsKeptAndTakenBack() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let first = RunConfiguration.writing(to: folder) { $0.train.gamma = 0.1 }
      let second = RunConfiguration.writing(to: folder) { $0.train.gamma = 0.3 }
      do { _ = try finished(first) }
      do {
        let run = try RunDirectory(second)
        #expect(try run.setAside(.train) == "replaced/1")
        #expect(try run.setAside(.evaluate) == "replaced/1")
        let kept = run.file("replaced/1")
        for name in ["train/model/config.json", "evaluate/after.jsonl", "results.json", "train/done.json"] {
          #expect(FileManager.default.fileExists(atPath: kept.appendingPathComponent(name).path), "\(name)")
          #expect(!FileManager.default.fileExists(atPath: run.file(name).path), "\(name)")
        }
        #expect(
          try RunConfiguration(contentsOf: kept.appendingPathComponent("config.yaml")).train.gamma == 0.1)
        try write("another", run.file("train/model/config.json"))
        try run.markDone(.train, seconds: 1)
      }
      let run = try RunDirectory(first)
      #expect(try run.setAside(.train) == "replaced/2")
      #expect(try run.takeOver(.train, from: run.replacedRuns) != nil)
      #expect(run.record(of: .train)?.from == "replaced/1")
      #expect(
        try String(contentsOf: run.file("train/model/config.json"), encoding: .utf8)
          == "train/model/config.json")
      #expect(
        try String(contentsOf: run.file("replaced/2/train/model/config.json"), encoding: .utf8) == "another")
    }
  }

  @Test func damagedPartsAreNotTakenOver() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let donor = try finished(RunConfiguration.writing(to: folder.appendingPathComponent("a")))
      try write("changed", donor.file("compose/records.jsonl"))
      let run = try RunDirectory(RunConfiguration.writing(to: folder.appendingPathComponent("b")))
      var said: [String] = []
      #expect(try run.takeOver(.compose, from: [donor.url]) { said.append("\($0)") } == nil)
      #expect(said.count == 1 && said[0].contains("a/compose/records.jsonl: found 7 bytes"))
      #expect(try run.takeOver(.sft, from: [donor.url]) != nil)
    }
  }

  @Test func aMoveThatWasCutOffGoesOn() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let configuration = RunConfiguration.writing(to: folder)
      do {
        let run = try finished(configuration)
        // Killed after the record had gone.
        try FileManager.default.createDirectory(
          at: run.file("replaced/1/compose"), withIntermediateDirectories: true)
        try FileManager.default.moveItem(
          at: run.file("compose/done.json"), to: run.file("replaced/1/compose/done.json"))
      }
      let run = try RunDirectory(configuration)
      #expect(!run.isDone(.compose))
      for name in ["compose/records.jsonl", "compose/images/a b.png", "compose/compose.sfv"] {
        #expect(FileManager.default.fileExists(atPath: run.file("replaced/1/\(name)").path), "\(name)")
        #expect(!FileManager.default.fileExists(atPath: run.file(name).path), "\(name)")
      }
    }
  }

  /// A part that was stopped, made with another value, and goes on with the first one again.
  @Test func checkpointsAreTakenBackWithTheirLines() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let first = RunConfiguration.writing(to: folder)
      let second = RunConfiguration.writing(to: folder) { $0.sft.learningRate *= 2 }
      func stop(_ run: RunDirectory, after step: Int) throws {
        let log = try MetricsLog(run.metrics, resuming: .sft, after: 0)
        for number in 1...step {
          try log.append(MetricRow(stage: "sft", step: number, values: ["loss": Double(number)]))
        }
        try log.close()
        try CheckpointDirectory(run.folder(.sft).appendingPathComponent("checkpoints")).save(
          TrainingCheckpoint(
            model: [], progress: ["step": .integer(Int64(step))], configurationHash: run.key(of: .sft)),
          step: step)
      }
      func newest(_ run: RunDirectory) throws -> Int? {
        try CheckpointDirectory(run.file("sft/checkpoints")).newest()?.step
      }
      do {
        let run = try RunDirectory(first)
        try stop(run, after: 3)
        #expect(try run.setAside(.sft) == nil && run.takeBackCheckpoints(of: .sft) == nil)
      }
      let lines = try Data(contentsOf: folder.appendingPathComponent("metrics.jsonl"))
      do {
        let run = try RunDirectory(second)
        #expect(try run.setAside(.sft) == "replaced/1")
        #expect(try run.takeBackCheckpoints(of: .sft) == nil && newest(run) == nil)
        try stop(run, after: 5)
      }
      do {
        let run = try RunDirectory(first)
        #expect(try run.setAside(.sft) == "replaced/2")
        #expect(try run.takeBackCheckpoints(of: .sft) == "replaced/1")
        #expect(try newest(run) == 3)
        #expect(try Data(contentsOf: run.metrics) == lines)
      }
      let run = try RunDirectory(second)
      #expect(try run.setAside(.sft) == "replaced/3")
      // A folder in which no checkpoint was written yet is none.
      try AtomicFile.makeFolder(run.folder(.sft).appendingPathComponent("checkpoints"))
      #expect(try run.takeBackCheckpoints(of: .sft) == "replaced/2" && newest(run) == 5)
    }
  }

  /// Training was stopped, then the base model is made again: its lines take the place of training's, whose
  /// checkpoints count on theirs and come back with them.
  @Test func checkpointsOfTrainingAreKeptWhenTheBaseIsMadeAgain() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let run = try RunDirectory(RunConfiguration.writing(to: folder))
      func write(_ stage: Stage, steps: ClosedRange<Int>) throws -> MetricsLog.Position {
        let log = try MetricsLog(run.metrics, resuming: stage, after: 0)
        for step in steps {
          try log.append(MetricRow(stage: stage.rawValue, step: step, values: ["loss": Double(step)]))
        }
        try log.close()
        return log.position
      }
      _ = try write(.sft, steps: 1...4)
      try run.markDone(.sft, seconds: 1)
      let position = try write(.train, steps: 1...3)
      let lines = try Data(contentsOf: run.metrics)
      try CheckpointDirectory(run.file("checkpoints")).save(
        TrainingCheckpoint(
          model: [], progress: ["step": .integer(3)], configurationHash: run.identity(of: .train)), step: 3)

      #expect(try run.setAside(.sft, checkpoints: true) == "replaced/1")
      _ = try write(.sft, steps: 1...4)
      try run.markDone(.sft, seconds: 1)
      #expect(try run.takeBackCheckpoints(of: .train) == "replaced/1")
      #expect(try Data(contentsOf: run.metrics) == lines)
      _ = try MetricsLog(run.metrics, resuming: .train, after: 3, expected: position)
    }
  }
}
