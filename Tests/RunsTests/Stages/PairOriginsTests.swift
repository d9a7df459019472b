import LVLM
import DPOTrain
import Foundation
import MultiImageData
import Runs
import TestData
import Testing

/// Which picture a pair asks about, as far as the prompts of its run tell.
@Suite struct PairOriginsTests {
  private static func question(_ record: ComposedRecord) -> StoredQuestion {
    StoredQuestion(
      id: record.id, images: record.images, prompt: record.prompt, groundTruth: record.answer,
      family: record.family, record: record)
  }

  private static func sequence(_ images: [String], asked target: Int, _ question: String) -> ComposedRecord {
    var record = composed(.sequence, count: images.count, target: target)
    record.images = images
    record.prompt = PromptRewriting.prompt(question, kind: .sequence, target: target, count: images.count)
    return record
  }

  private static let origins: PairOrigins = {
    var grid = composed(.grid, count: 4, target: 3, rows: 2, columns: 2)
    grid.images = ["grid.png"]
    grid.prompt = "<image>\nIn Image3, what color is it?"
    return PairOrigins(
      [
        sequence(["a", "b", "c"], asked: 2, "What color is it?"),
        sequence(["a", "b"], asked: 1, "Which shape?"), grid,
      ]
      .map(question)
        + [StoredQuestion(id: "s", images: ["s"], prompt: "<image>\nWhat?", groundTruth: "x", family: "f")])
  }()

  private func pair(_ prompt: String, _ images: [String]) -> PreferencePair {
    PreferencePair(id: "p", images: images, prompt: prompt, chosen: "a", rejected: "b")
  }

  private func problems(_ pair: PreferencePair) -> [Bool] {
    var (attention, image) = (RunConfiguration.Train(), RunConfiguration.Train())
    (attention.attentionWeight, image.imageWeight) = (1, 1)
    return [RunConfiguration.Train(), attention, image].map { Self.origins.problem(of: pair, $0) != nil }
  }

  @Test func promptsOfTheRun() {
    let three = Self.sequence(["a", "b", "c"], asked: 2, "What color is it?")
    let known = pair(three.prompt, three.images)
    #expect(Self.origins.asked(of: known) == [1] && problems(known) == [false, false, false])
    let grid = pair("<image>\nIn Image3, what color is it?", ["grid.png"])
    #expect(Self.origins.asked(of: grid) == [0] && Self.origins.record(of: grid)?.target == 3)
    let single = pair("<image>\nWhat?", ["s"])
    #expect(Self.origins.record(of: single) == nil && problems(single) == [false, false, false])
  }

  /// The number in the prompt says what is asked about, whatever the order.
  @Test func sequencesInAnotherOrder() throws {
    for (images, target) in [(["c", "a", "b"], 3), (["b", "c", "a"], 1), (["a", "b", "c"], 3)] {
      let other = Self.sequence(images, asked: target, "What color is it?")
      let found = pair(other.prompt, images)
      #expect(Self.origins.asked(of: found) == [target - 1] && problems(found) == [false, false, false])
      let record = try #require(Self.origins.record(of: found))
      let weights = try record.featureWeights(
        grids: Array(repeating: FeatureGrid(rows: 2, columns: 2), count: 3))
      #expect(weights.firstIndex(of: 1) == (target - 1) * 4 && weights.reduce(0, +) == 4)
    }
  }

  @Test func whatNobodyKnows() {
    for (prompt, images) in [
      ("Image1:<image>\nImage2:<image>\nIn Image1, what color is it?", ["a", "b"]),
      ("Image1:<image>\nImage2:<image>\nWhich shape?", ["a", "b"]),
      ("Image1:<image>\nImage2:<image>\nIn Image1, which shape?", ["a", "x"]),
      ("Image1:<image>\nImage2:<image>\nIn Image7, which shape?", ["a", "b"]),
      ("Image1:<image>\nImage2:<image>\nIn Image99999999999999999999, which shape?", ["a", "b"]),
    ] {
      let unknown = pair(prompt, images)
      #expect(problems(unknown) == [false, true, true], "\(prompt)")
      #expect(Self.origins.asked(of: unknown) == nil)
    }
    // A picture by itself is the one that is asked about, but where on it nobody knows.
    #expect(problems(pair("<image>\nIn Image2, what color is it?", ["grid.png"])) == [false, true, false])
  }
}
