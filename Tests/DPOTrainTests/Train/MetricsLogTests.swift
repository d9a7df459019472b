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

  private func lengthOfLines(_ count: Int, in data: Data) -> Int {
    data.split(separator: 0x0A).prefix(count).reduce(0) { $0 + $1.count + 1 }
  }
}
