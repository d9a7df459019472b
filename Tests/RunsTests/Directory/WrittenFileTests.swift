import Checkpoint
import DPOTrain
import Foundation
import Records
import Runs
import TestSupport
import Testing

/// Files of a run that belong to no part, and files beside runs: read as they were written, or refused by
/// name.
@Suite struct WrittenFileTests {
  /// Damages a file in many ways; `read` gives what a reader takes from it.
  private func damage<Value: Equatable>(
    _ url: URL, _ read: () throws -> Value, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let whole = try Data(contentsOf: url)
    let expected = try read()
    var trials = [Data(), whole + Data("x".utf8)]
    for position in whole.indices {
      var bytes = whole
      bytes[position] ^= UInt8(1 << (position % 8))
      trials.append(bytes)
      bytes = whole
      for zero in position..<min(position + 9, whole.count) { bytes[zero] = 0 }
      trials.append(bytes)
      trials.append(whole.prefix(position))
    }
    for (number, bytes) in trials.enumerated() where bytes != whole {
      try bytes.write(to: url)
      do {
        #expect(try read() == expected, "trial \(number) passed", sourceLocation: sourceLocation)
      } catch {
        #expect("\(error)".contains(url.lastPathComponent), "\(error)", sourceLocation: sourceLocation)
      }
    }
    try whole.write(to: url)
    #expect(try read() == expected, sourceLocation: sourceLocation)
  }

  @Test func theConfigurationOfARun() throws {
    try Fixtures.withTemporaryDirectory { folder in
      do { _ = try RunDirectory(RunConfiguration.writing(to: folder)) }
      let file = folder.appendingPathComponent("config.yaml")
      for name in ["config.yaml", "config.sfv"] {
        let url = folder.appendingPathComponent(name)
        let bytes = try Data(contentsOf: url)
        // Every tenth byte, as each is a configuration to read.
        for position in stride(from: 0, to: bytes.count, by: 10) {
          var changed = bytes
          changed[position] ^= 1
          try changed.write(to: url)
          do {
            #expect(try RunConfiguration(contentsOf: file).hash == RunConfiguration().hash)
          } catch { #expect("\(error)".contains(name), "\(error)") }
        }
        try bytes.prefix(bytes.count / 2).write(to: url)
        do {
          let run = try RunDirectory(RunConfiguration.writing(to: folder))
          #expect(run.notes.count == 1 && run.notes[0].contains(name))
          #expect(run.notes[0].contains("written again"))
        }
        #expect(try RunDirectory(RunConfiguration.writing(to: folder)).notes.isEmpty)
        #expect(try Data(contentsOf: file).count > 100)
      }
      // A copy is a configuration like any other.
      let copy = folder.appendingPathComponent("mine.yaml")
      try FileManager.default.copyItem(at: file, to: copy)
      try Data(try String(contentsOf: copy, encoding: .utf8).replacing("seed: 0", with: "seed: 7").utf8)
        .write(to: copy)
      _ = try RunConfiguration(contentsOf: copy)
    }
  }

  /// What goes to `replaced/` has its configuration, from the records of its parts where the file is damaged.
  @Test func aDamagedConfigurationIsPutTogetherAgain() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let first = RunConfiguration.writing(to: folder) {
        $0.train.gamma = 0.25
        $0.sft.learningRate = 0.0625
      }
      do {
        let run = try RunDirectory(first)
        for part in RunPart.allCases { try run.markDone(part, seconds: 1) }
      }
      let file = folder.appendingPathComponent("config.yaml")
      let text = try String(contentsOf: file, encoding: .utf8)
      try Data(text.utf8.dropLast(100)).write(to: file)
      let run = try RunDirectory(RunConfiguration.writing(to: folder) { $0.train.gamma = 0.5 })
      #expect(run.notes.count == 1)
      #expect(try run.setAside(.train) == "replaced/1")
      #expect(try String(contentsOf: run.file("replaced/1/config.yaml"), encoding: .utf8) == text)
    }
  }

  /// A kill between the list and the file leaves the earlier file, which is one of the two that the list has,
  /// or the first file without a list.
  @Test func aFileIsAsBeforeOrAsAfter() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let file = folder.appendingPathComponent("a.txt")
      let list = folder.appendingPathComponent("a.sfv")
      func verify() throws { try ChecksumList(reading: list).verify("a.txt", in: folder, advice: "") }
      try ChecksumList.write("one".utf8, to: file)
      try ChecksumList.write("two".utf8, to: file)
      try verify()
      try Data("one".utf8).write(to: file)
      try verify()
      try Data("six".utf8).write(to: file)
      #expect(throws: CheckpointError.self) { try verify() }
      ChecksumList.remove(file)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
      try Data("one".utf8).write(to: file)
      try ChecksumList.write("two".utf8, to: file)
      try verify()
      // A list that was left alone does not stand in the way of the file's first content.
      unlink(file.path)
      try ChecksumList.write("one".utf8, to: file)
      try verify()
      #expect(try ChecksumList(reading: list).entries.count == 1)
    }
  }

  @Test func theListOfOmissions() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let log = OmissionLog(folder, policy: .skip, console: .silent)
      try log.leaveOut([DataError(file: "a.json:3", record: "r", problem: "is broken")], stage: .sft)
      try log.leaveOut([DataError(file: "a.json:4", record: "s", problem: "is broken")], stage: .train)
      let file = folder.appendingPathComponent(OmissionLog.file)
      for url in [file, folder.appendingPathComponent("omissions.sfv")] {
        try damage(url) {
          // What the report counts, and what the next stage adds to.
          let counts = try OmissionLog.counts(in: folder).map { "\($0.stage) \($0.count)" }
          try log.leaveOut([], stage: .select)
          return counts + [try String(contentsOf: file, encoding: .utf8)]
        }
      }
      try log.leaveOut([], stage: .sft)
      try log.leaveOut([], stage: .train)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    }
  }

  @Test func theTimesOfASuite() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let place = AblationLog.place(in: folder)
      let rows = (0..<4).map { number in
        AblationLog(
          variant: "a", seed: UInt64(number), seconds: 1.5 * Double(number), peakBytes: 1 << 30, threads: 2)
      }
      for row in rows { try AblationLog.append(row, in: folder) }
      #expect(AblationLog.read(in: folder).rows == rows)
      let whole = try Data(contentsOf: place)
      for position in whole.indices {
        for kind in 0..<2 {
          var bytes = whole
          for place in position..<min(position + (kind == 0 ? 1 : 40), bytes.count) {
            bytes[place] = kind == 0 ? bytes[place] ^ 2 : 0
          }
          try bytes.write(to: place)
          let read = AblationLog.read(in: folder)
          #expect(read.rows == rows || !read.damaged.isEmpty, "byte \(position)")
          #expect(read.rows.allSatisfy(rows.contains), "byte \(position)")
        }
      }
      // Cut short in a line: that line is damaged, the next one is not.
      try whole.dropLast(9).write(to: place)
      try AblationLog.append(rows[0], in: folder)
      let read = AblationLog.read(in: folder)
      #expect(read.rows == Array(rows.dropLast()) + [rows[0]] && read.damaged == [4])
    }
  }

  /// A suite whose log lacks a line for a run that is finished says so.
  @Test func aLostLineIsTold() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let file = folder.appendingPathComponent("suite.yaml")
      try Data("base: {}\nseeds: [1]\nvariants: [{name: a}, {name: b}]\n".utf8).write(to: file)
      let suite = try AblationSuite(contentsOf: file, outputDirectory: folder.path + "/runs")
      for unit in suite.units {
        try RunDirectory(unit.configuration).markDone(.evaluate, seconds: 1)
        try AblationLog.append(
          AblationLog(variant: unit.variant.name, seed: 1, seconds: 1, peakBytes: 1, threads: 1),
          in: suite.directory)
      }
      #expect(suite.logProblems.isEmpty)
      let place = AblationLog.place(in: suite.directory)
      let lines = try String(contentsOf: place, encoding: .utf8).split(separator: "\n")
      try Data((lines[0] + "\n").utf8).write(to: place)
      #expect(suite.logProblems.count == 1 && suite.logProblems[0].hasSuffix("1 finished runs (b, seed 1)"))
    }
  }

  /// The list of thousands of pictures is parsed for the first of them, and again when it is another.
  @Test func aListIsReadOnceUntilItChanges() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let url = folder.appendingPathComponent("part.sfv")
      var reads = 0
      func checksum(_ path: String) throws -> UInt32? {
        try KeptLists.list(url) { place in
          reads += 1
          return try ChecksumList.optional(place)
        }?[path]?.entries.first?.crc32
      }
      func write(_ count: UInt32) throws {
        let entries = (0..<count).map { ChecksumList.Entry(path: "\($0).png", crc32: $0 + count) }
        try Data(ChecksumList(entries).text.utf8).write(to: url, options: .atomic)
      }
      #expect(try checksum("1.png") == nil && reads == 0)
      try write(3)
      for number in 0..<5 {
        #expect(try checksum("\(number).png") == (number < 3 ? UInt32(number) + 3 : nil))
      }
      #expect(reads == 1)
      try write(4)
      #expect(try checksum("3.png") == 7 && checksum("2.png") == 6 && reads == 2)
      try Data("something else".utf8).write(to: url, options: .atomic)
      #expect(try checksum("3.png") == nil && checksum("2.png") == nil && reads == 3)
    }
  }
}
