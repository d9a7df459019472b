import Foundation
import Runs
import Testing

/// What `plan --ranks N` says of a step that several processes share.
@Suite struct RankPlanTests {
  private func line(ranks: Int, _ keys: String) throws -> String {
    var plan = try RunPlan(RunConfiguration(yaml: "train: {\(keys)}\n", file: "c.yaml"))
    plan.ranks = ranks
    return String(try #require(plan.description.split(separator: "\n").first { $0.hasPrefix("ranks ") }))
  }

  /// The number before some words.
  private func number(before words: String, in line: String) throws -> Double {
    let start = try #require(line.range(of: words)).lowerBound
    return try #require(Double(line[..<start].split(separator: " ").last ?? ""))
  }

  @Test func aStepIsSharedByWholeMicroBatches() throws {
    let keys = "adapter: none, per_device_train_batch_size: 2, gradient_accumulation_steps: 4"
    let line = try line(ranks: 3, keys)
    #expect(line.contains("3: a step's 4 micro-batches in 2 rounds, each rank sends about "))
    let shared = try number(before: " s of arithmetic", in: line)
    let alone = try number(before: " s alone", in: line.replacing("(", with: " "))
    #expect(abs(shared / alone - 0.5) < 0.02)
  }

  /// A gigabit of Ethernet carries 118 million bytes in a second.
  @Test func theLineTakesItsTime() throws {
    let line = try line(ranks: 2, "adapter: none, per_device_train_batch_size: 4")
    let bytes = try number(before: " bytes per step", in: line)
    let seconds = try number(before: " s at 1 Gbit/s", in: line)
    #expect(abs(bytes / seconds / 117.7e6 - 1) < 0.01)
    #expect(abs(seconds / (try number(before: " s at 10", in: line)) - 10) < 0.1)
  }

  @Test func whatCannotBeSharedIsSaid() throws {
    #expect(
      try line(ranks: 9, "per_device_train_batch_size: 2, gradient_accumulation_steps: 4").contains(
        "found 9 ranks for 8 pairs in a step"))
  }
}
