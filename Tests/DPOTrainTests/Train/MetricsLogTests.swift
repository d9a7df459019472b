import DPOTrain
import Foundation
import Records
import TestSupport
import Testing

@Suite struct MetricsLogTests {
  @Test func aResumedStageEndsUpWithTheSameBytes() throws {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent(
      "metrics-\(UUID().uuidString).jsonl")
    defer { try? FileManager.default.removeItem(at: url) }
    func write(_ stage: Stage, _ steps: ClosedRange<Int>, after: Int) throws {
      let log = try MetricsLog(url, resuming: stage, after: after)
      for step in steps {
        try log.append(MetricRow(stage: stage.rawValue, step: step, values: ["loss": 1 / Double(step)]))
      }
      try log.close()
    }
    try write(.sft, 1...4, after: 0)
    try write(.train, 1...6, after: 0)
    let whole = try Data(contentsOf: url)
    #expect(whole.split(separator: 0x0A).count == 10)

    // Killed after step 5 in the middle of a line; the checkpoint is of step 3.
    try (whole.dropLast(60) + Data("{\"stage\": \"tra".utf8)).write(to: url)
    try write(.train, 4...6, after: 3)
    #expect(try Data(contentsOf: url) == whole)

    // A stage that starts over takes away what later stages wrote.
    try write(.sft, 3...4, after: 2)
    #expect(
      try Data(contentsOf: url) == whole.prefix(while: { _ in true }).prefix(lengthOfLines(4, in: whole)))
  }

  @Test func aLogThatIsNotAsTheCheckpointSaysIsRefused() throws {
    try Fixtures.withTemporaryDirectory { folder in
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      let url = folder.appendingPathComponent("metrics.jsonl")
      let log = try MetricsLog(url, resuming: .sft, after: 0)
      for step in 1...3 { try log.append(MetricRow(stage: "sft", step: step, values: ["loss": 0.5])) }
      let position = log.position
      try log.append(MetricRow(stage: "sft", step: 4, values: ["loss": 0.5]))
      try log.close()
      let whole = [UInt8](try Data(contentsOf: url))
      #expect(position.byteCount < whole.count)
      // What comes after the checkpoint is written again; what comes before must be as it was.
      for index in whole.indices {
        var bytes = whole
        bytes[index] ^= 1
        try Data(bytes).write(to: url)
        let again = try? MetricsLog(url, resuming: .sft, after: 3, expected: position)
        #expect((again != nil) == (index >= position.byteCount), "\(index)")
      }
      for length in 0..<whole.count {
        try Data(whole.prefix(length)).write(to: url)
        let again = try? MetricsLog(url, resuming: .sft, after: 3, expected: position)
        // A line that lacks its line feed alone is whole.
        #expect((again != nil) == (length >= position.byteCount - 1), "\(length)")
      }
    }
  }

  /// A line among those of a stage that is no row is told by its number, and no row less is kept in silence;
  /// behind them it is what a killed process left.
  @Test(arguments: [
    "{\"stage\": \"sft\", \"st", "{\"stage\": \"sft\", \"step\": \"2\"}", "[2]", "\u{0}\u{0}",
  ]) func aDamagedLineIsNamed(line: String) throws {
    try Fixtures.withTemporaryDirectory { folder in
      let url = folder.appendingPathComponent("metrics.jsonl")
      let copy = folder.appendingPathComponent("sft/metrics.jsonl")
      try FileManager.default.createDirectory(
        at: copy.deletingLastPathComponent(), withIntermediateDirectories: true)
      let rows = (1...3).map { MetricRow(stage: "sft", step: $0, values: ["loss": 0.5]).jsonLine }
      try Data((rows[0] + line + "\n" + rows[2]).utf8).write(to: url)
      for body in [
        { try MetricsLog.keep(.sft, of: url) }, { _ = try MetricsLog(url, resuming: .sft, after: 3) },
        { _ = try MetricsLog(url, resuming: .train, after: 0) },
      ] {
        #expect {
          try body()
        } throws: { error in
          "\(error)".hasPrefix(url.path + ":2")
        }
      }
      // Put aside, it is as it was; a stage that is made again does not need it.
      let other = folder.appendingPathComponent("other.jsonl")
      try MetricsLog.put(.sft, of: url, into: other)
      #expect(try Data(contentsOf: other) == Data(contentsOf: url))
      try MetricsLog(url, resuming: .sft, after: 0).close()
      try Data((rows[0] + rows[1] + line + "\n").utf8).write(to: url)
      try MetricsLog.keep(.sft, of: url)
      #expect(try Data(contentsOf: copy) == Data((rows[0] + rows[1]).utf8))
    }
  }

  @Test func timesAreInTheLogAndInNothingThatIsCompared() throws {
    try Fixtures.withTemporaryDirectory { folder in
      try FileManager.default.createDirectory(
        at: folder.appendingPathComponent("sft"), withIntermediateDirectories: true)
      let url = folder.appendingPathComponent("metrics.jsonl")
      func write(_ steps: ClosedRange<Int>, after: Int, from start: Double?) throws -> MetricsLog.Position {
        let log = try MetricsLog(url, resuming: .sft, after: after)
        for step in steps {
          try log.append(
            MetricRow(
              stage: "sft", step: step, values: ["loss": 0.5, "wall": 1],
              wallTime: start.map { $0 + Double(step) / 8 }))
        }
        try log.close()
        return log.position
      }
      let plain = try write(1...4, after: 0, from: nil)
      let bytes = try Data(contentsOf: url)
      let timed = try write(1...4, after: 0, from: 1_795_868_907)
      #expect(timed == plain)
      let whole = try Data(contentsOf: url)
      #expect(whole != bytes && MetricsLog.withoutTimes(whole) == bytes)
      let rows = try RowFile.read(MetricRow.self, from: url)
      #expect(rows.map(\.wallTime) == [907.125, 907.25, 907.375, 907.5].map { 1_795_868_000 + $0 })
      #expect(rows[0].values == ["loss": 0.5, "wall": 1])
      #expect(
        rows[0].jsonLine
          == "{\"stage\": \"sft\", \"step\": 1, \"loss\": 0.5, \"wall\": 1.0, \"wall_time\": 1795868907.125}\n"
      )
      // The times of what a resumed stage keeps stay.
      #expect(try write(3...4, after: 2, from: 9) == plain)
      #expect(
        try RowFile.read(MetricRow.self, from: url).map(\.wallTime)
          == [1_795_868_907.125, 1_795_868_907.25, 9.375, 9.5])
      // A finished stage keeps its lines without times; the log keeps them when it is put together again.
      try MetricsLog.keep(.sft, of: url)
      #expect(try Data(contentsOf: folder.appendingPathComponent("sft/metrics.jsonl")) == bytes)
      #expect(try !MetricsLog.restore(url, stages: [.sft]))
      try Data(contentsOf: url).dropLast(40).write(to: url)
      #expect(try MetricsLog.restore(url, stages: [.sft]))
      #expect(
        try RowFile.read(MetricRow.self, from: url).map(\.wallTime)
          == [1_795_868_907.125, 1_795_868_907.25, 9.375, nil])
    }
  }

  private func lengthOfLines(_ count: Int, in data: Data) -> Int {
    data.split(separator: 0x0A).prefix(count).reduce(0) { $0 + $1.count + 1 }
  }
}
