import Evaluation
import Foundation
import LVLM
import Records
import Runs
import Tensor
import TestSupport
import Testing

@Suite struct BenchmarkRunTests {
  private struct Answer: Decodable {
    struct Likelihood: Decodable {
      var option: String
      var letter: Double?
      var sum: Double
      var mean: Double
    }
    var index: String
    var prediction: String?
    var likelihoods: [Likelihood]
  }

  private static let model = Fixtures.url("golden/llava_tiny")

  private func answers(_ file: String, _ change: (inout BenchmarkRun.Options) -> Void) throws -> [Answer] {
    try Fixtures.withTemporaryDirectory { folder in
      var options = BenchmarkRun.Options(
        data: Fixtures.url("benchmarks/\(file).tsv").path, model: Self.model.path)
      options.outputFolder = folder.path
      options.score = .both
      options.maxNewTokens = 6
      change(&options)
      try BenchmarkRun(options, console: .silent).run()
      let text = try String(contentsOf: folder.appending(component: file + "_answers.jsonl"), encoding: .utf8)
      return try text.split(separator: "\n").map {
        try JSONDecoder().decode(Answer.self, from: Data($0.utf8))
      }
    }
  }

  /// One prompt for all of a row's options gives what each gives in a sequence of its own.
  @Test func likelihoodsAreThoseOfWholeSequences() throws {
    let found = try answers("BLINK") { $0.template = .plain }
    let loaded = try PretrainedModel.load(from: Self.model)
    let preset = try #require(BenchmarkPreset(named: "BLINK"))
    let rows = try BenchmarkRows(
      TSVFile(contentsOf: Fixtures.url("benchmarks/BLINK.tsv").path), preset: preset, imageRoot: nil,
      asksTextRows: false, limit: nil)
    let encoder = PromptEncoder(
      tokenizer: loaded.tokenizer, template: .plain, configuration: loaded.model.configuration)
    for (row, answer) in zip(rows.rows, found) {
      let prompt = try BenchmarkPrompt(row, form: .llava, suffix: "", marksImages: false)
      let features = try loaded.imageFeatures(row.images.map(BenchmarkPictures(rows: rows).picture))
      func logProbability(_ text: String) throws -> (sum: Double, tokens: Int) {
        let example = try encoder.example(question: prompt.text, images: prompt.pictures, answers: [text])
        let batch = try PackedBatch(
          [example], sharesPrefix: false, imageTokenID: encoder.imageTokenID,
          features: features.layout)
        let values = loaded.model.logProbabilities(batch, imageFeatures: features).array(of: Float.self)
        return (values.reduce(0) { $0 + Double($1) }, values.count)
      }
      #expect(answer.likelihoods.map(\.option) == row.options.map(\.letter))
      for (option, likelihood) in zip(row.options, answer.likelihoods) {
        let (letter, text) = try (logProbability(option.letter), logProbability(option.text))
        #expect(abs(try #require(likelihood.letter) - letter.sum) < 1e-4)
        #expect(abs(likelihood.sum - text.sum) < 1e-4)
        #expect(abs(likelihood.mean - text.sum / Double(text.tokens)) < 1e-4)
      }
    }
  }

  @Test func answersDoNotDependOnTheirCompany() throws {
    for file in ["MMBench_DEV_EN", "MMMU_DEV_VAL", "POPE"] {
      let together = try answers(file) { $0.batchSize = 8 }
      let alone = try answers(file) { $0.batchSize = 1 }
      #expect(together.map(\.index) == alone.map(\.index))
      #expect(together.map(\.prediction) == alone.map(\.prediction))
      for (a, b) in zip(together, alone) {
        for (a, b) in zip(a.likelihoods, b.likelihoods) { #expect(abs(a.sum - b.sum) < 1e-4) }
      }
    }
  }

  @Test func onlyTheFirstRowsAreAsked() throws {
    let found = try answers("MMBench_DEV_EN") { options in
      options.limit = 3
      options.score = .generate
      options.suffix = "\nAnswer:("
    }
    #expect(found.map(\.index) == ["0", "1000000", "2000000"])
    #expect(found.allSatisfy { $0.likelihoods.isEmpty && $0.prediction != nil })
  }
}
