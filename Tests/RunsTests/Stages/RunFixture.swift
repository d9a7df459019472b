import DPOTrain
import Evaluation
import Foundation
import LVLM
import MultiImageData
import Records
import Tensor

/// A run directory with made-up numbers and pictures, for tests of the report.
struct RunFixture {
  let directory: URL
  private let patches = 6

  /// Writes all files of a run.
  init(in directory: URL) throws {
    self.directory = directory
    for folder in ["compose/images", "select", "evaluate"] {
      try FileManager.default.createDirectory(
        at: directory.appendingPathComponent(folder), withIntermediateDirectories: true)
    }
    var random = RandomGenerator(seed: 11)
    try Data("run:\n  name: made-up\n  seed: 7\nselect:\n  note: \"<b> & 'quotes'\"\n".utf8)
      .write(to: file("config.yaml"))
    try RowFile.write(metrics(&random), to: file("metrics.jsonl"))
    let candidates = try self.candidates(&random)
    try RowFile.write(candidates, to: file("select/candidates.jsonl"))
    try Data(
      """
      {"grid": {"candidates": 4}, "quality": {"grid": {"prompts": 4, "pairs": 3,
      "precision_with_rule": 0.8125, "precision_without_rule": 0.5, "recall": null, "by_images": {
      "9": {"prompts": 2, "pairs": 0, "precision_with_rule": null, "precision_without_rule": 0.25,
      "recall": 1.0}}}}}
      """.utf8
    ).write(to: file("select/summary.json"))
    try Data(candidates.map(composed).joined().utf8).write(to: file("compose/records.jsonl"))
    let before = answers([0.89, 0.46, 0.08, 0.38], &random, seed: 1)
    let after = answers([0.9, 0.55, 0.19, 0.49], &random, seed: 2)
    try RowFile.write(before, to: file("evaluate/before.jsonl"))
    try RowFile.write(after, to: file("evaluate/after.jsonl"))
    try EvaluationResult(
      configName: "made-up", configHash: "9f86d081884c7d659a2feaa0c55ad015", seed: 7,
      versions: ["dpotrain": "0.1.0", "swift": "6.3.1", "openblas": "0.3.21 SkylakeX"],
      seconds: ["sft": 141.2, "compose": 1.4, "select": 16.3, "train": 71.9, "evaluate": 21.4],
      before: before, after: after
    ).write(to: file("results.json"))
  }

  func file(_ name: String) -> URL { directory.appendingPathComponent(name) }

  private func metrics(_ random: inout RandomGenerator) -> [MetricRow] {
    let supervised = (1...150).map { index in
      let progress = Double(index) / 150
      return MetricRow(
        stage: "sft", step: index * 10,
        values: [
          "loss": 0.3 + 2.6 * exp(-5 * progress) + 0.05 * random.normal(),
          "grad_norm": 1 + exp(-3 * progress) + 0.1 * random.normal(),
          "learning_rate": 1e-3 * min(1, progress * 10) * (1 - progress) + 1e-6,
        ])
    }
    let preference = (1...200).map { step in
      let progress = Double(step) / 200
      let (chosen, rejected) = (
        0.4 * progress + 0.1 * random.normal(), -1.9 * progress + 0.15 * random.normal()
      )
      return MetricRow(
        stage: "train", step: step,
        values: [
          "loss": 0.693 * exp(-1.2 * progress) + 0.03 * random.normal(), "nll_loss": 0.8 - 0.4 * progress,
          "rewards/chosen": chosen, "rewards/rejected": rejected, "rewards/margins": chosen - rejected,
          "rewards/accuracies": min(1, 0.5 + 0.45 * progress.squareRoot() + 0.05 * random.normal()),
          "logps/chosen": -3.1 + 10 * chosen * 0.1, "logps/rejected": -2.4 + rejected,
          "grad_norm": 2 + 0.4 * random.normal(), "learning_rate": 1e-4 * (1 - progress),
        ])
    }
    return supervised + preference
  }

  private func answers(_ shares: [Double], _ random: inout RandomGenerator, seed: UInt64) -> [AnswerRecord] {
    let counts: [QuestionKind: [Int]] = [
      .single: [1], .sequence: [2, 3, 4, 5], .grid: [2, 3, 4, 6, 9], .picInPic: [2],
    ]
    return zip(QuestionKind.allCases, shares).flatMap { kind, share in
      (0..<300).map { index in
        let count = counts[kind]![index % counts[kind]!.count]
        let chance = kind == .single ? share : share * 2.6 / Double(max(count, 2))
        let correct = random.uniform() < chance
        let base = correct ? 0.62 : 0.44
        return AnswerRecord(
          id: "\(kind.rawValue)-\(index)", kind: kind, count: count, target: 1 + index % count,
          family: ["colour", "shape", "yes_no"][index % 3],
          prompt: kind == .sequence
            ? (1...count).map { "Image\($0):<image>\n" }.joined()
              + "In Image\(1 + index % count), what colour is it?"
            : "<image>\nwhat colour is it?",
          answer: "red", prediction: correct ? "red" : "blue & <green>", correct: correct,
          answeredFromAnotherImage: !correct && kind != .single && random.uniform() < 0.6,
          blindCorrect: random.uniform() < 0.28,
          ratio: base + 0.1 * random.normal(),
          layerRatios: [0.3, 1.2, 0.9, 0.6].map { 0.5 + (base - 0.5) * $0 + 0.12 * random.normal() })
      }
    }
  }

  private func candidates(_ random: inout RandomGenerator) throws -> [CandidateRow] {
    let formats: [(QuestionKind, Int, Double)] = [
      (.sequence, 2, 0.7), (.sequence, 3, 0.6), (.sequence, 4, 0.5), (.sequence, 5, 0.5), (.grid, 2, 0.7),
      (.grid, 3, 0.6), (.grid, 4, 0.5), (.grid, 6, 0.4), (.grid, 9, 0.4), (.picInPic, 2, 0.6),
    ]
    return try formats.flatMap { kind, count, threshold in
      try (0..<120).map { index in
        let correct = random.uniform() < 1.2 / Double(count)
        let center = (correct ? 0.7 : 0.55) - 0.06 * Double(count - 2)
        let ratio = min(1, max(0.01, center + 0.16 * random.normal()))
        let outcome: SelectionOutcome =
          correct ? .correct : ratio > threshold ? .overThreshold : index % 31 == 0 ? .perplexity : .kept
        let target = 1 + index % count
        let id = "\(kind.rawValue)-\(count)-\(index)"
        let isShown = index < 3
        let words = kind == .picInPic ? "For the picture in the center" : "In Image\(target)"
        let marks =
          kind == .sequence ? (1...count).map { "Image\($0):<image>\n" }.joined() : "<image>\n"
        return CandidateRow(
          id: id, kind: kind, count: count, target: target,
          images: isShown ? try pictures(kind, count, id, &random) : [],
          prompt: "\(marks)\(words), what colour is the circle?", answer: correct ? "red" : "blue",
          groundTruth: "red", correct: correct, ratio: ratio, threshold: threshold,
          shares: shares(count, target, ratio), perplexity: 1 + random.uniform(), lengthRatio: 1.33,
          editDistance: 4, outcome: outcome,
          attention: isShown ? map(kind, count, target, ratio, &random) : nil)
      }
    }
  }

  private func shares(_ count: Int, _ target: Int, _ ratio: Double) -> [Double] {
    (1...count).map { $0 == target ? ratio : (1 - ratio) / Double(count - 1) }
  }

  private func map(
    _ kind: QuestionKind, _ count: Int, _ target: Int, _ ratio: Double, _ random: inout RandomGenerator
  ) -> AttentionMap {
    let images = kind == .sequence ? count : 1
    let values = (1...images).map { image in
      let (row, column) = (Double(1 + random.integer(below: 4)), Double(1 + random.integer(below: 4)))
      let strength = images == 1 ? 1 : image == target ? ratio : (1 - ratio) / Double(count - 1)
      return (0..<patches * patches).map { patch in
        let (y, x) = (Double(patch / patches) - row, Double(patch % patches) - column)
        return strength * (exp(-(x * x + y * y) / 2) + 0.08 * random.uniform()) * 0.02
      }
    }
    return AttentionMap(rows: patches, columns: patches, values: values)
  }

  private func pictures(
    _ kind: QuestionKind, _ count: Int, _ id: String, _ random: inout RandomGenerator
  ) throws -> [String] {
    try (0..<(kind == .sequence ? count : 1)).map { index in
      let name = "images/\(id)-\(index).png"
      let grey = RGBColour(236, 236, 230)
      var image = RGBImage(width: 48, height: 48, colour: grey)
      let cells = kind == .grid ? [2: 2, 3: 3, 4: 2, 6: 3, 9: 3][count]! : 1
      let side = 48 / cells
      for cell in 0..<(kind == .grid ? count : 1) {
        let colour = RGBColour(
          UInt8(random.integer(below: 220)), UInt8(random.integer(below: 220)),
          UInt8(random.integer(below: 220)))
        let (left, top) = (cell % cells * side, cell / cells * side)
        for y in side / 4..<side * 3 / 4 {
          for x in side / 4..<side * 3 / 4 { image[left + x, top + y] = colour }
        }
      }
      try image.writePNG(to: file("compose/" + name).path)
      return "compose/" + name
    }
  }

  /// The composed record a candidate came from; paths start at the folder of the file.
  private func composed(_ candidate: CandidateRow) -> String {
    let images = candidate.images.map { OrderedJSON.string(String($0.dropFirst("compose/".count))) }
    return OrderedJSON.members([
      "id": .string(candidate.id), "kind": .string(candidate.kind.rawValue),
      "count": .integer(candidate.count),
      "target": .integer(candidate.target), "images": .array(images), "prompt": .string(candidate.prompt),
      "answer": .string(candidate.groundTruth), "answers_of_others": .array([]), "family": .string("colour"),
    ]).line + "\n"
  }
}
