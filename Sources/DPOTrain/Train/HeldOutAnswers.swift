import Checkpoint
import Foundation
import LVLM
import MultiImageData
import Records
import Tensor

/// What a model answered to a prompt held out, at a look: a row of `train/held_out_answers.jsonl`.
public struct HeldOutAnswer: JSONRow, Equatable {
  /// The name of the file in the folder of the stage.
  package static let file = "held_out_answers.jsonl"

  /// The steps that were trained; 0 is the model before training.
  public var step: Int
  /// The pair's id.
  public var id: String
  /// Files of the prompt's pictures, in the order of the marks.
  public var images: [String]
  /// The user's turn, after those before it.
  public var prompt: String
  /// What the model answered, greedily.
  public var answer: String
  /// The pair's chosen answer.
  public var chosen: String
  /// The pair's rejected answer.
  public var rejected: String

  /// Creates a row.
  public init(
    step: Int, id: String, images: [String], prompt: String, answer: String, chosen: String, rejected: String
  ) {
    self.step = step
    self.id = id
    self.images = images
    self.prompt = prompt
    self.answer = answer
    self.chosen = chosen
    self.rejected = rejected
  }

  public var json: OrderedJSON {
    .object([
      .init("step", .integer(step)), .init("id", .string(id)),
      .init("images", .array(images.map { .string($0) })), .init("prompt", .string(prompt)),
      .init("answer", .string(answer)), .init("chosen", .string(chosen)),
      .init("rejected", .string(rejected)),
    ])
  }
}

/// Asks a model some prompts held out before training and at every look, and keeps what it answers.
///
/// The file is replaced in one step at each look; a run that goes on keeps the rows up to its checkpoint.
package struct HeldOutAnswers {
  private let pairs: [(pair: PreferencePair, encoded: EncodedPair)]
  private let model: VisionLanguageModel
  private let features: FeatureStore
  private let generator: Generator
  private let contextLength: Int
  private let maxNewTokens: Int
  private let url: URL
  private var rows: [HeldOutAnswer]

  /// - Parameters:
  ///   - pairs: of which the first `count` with different prompts are asked.
  ///   - maxNewTokens: tokens of an answer at most; fewer where the context ends before.
  ///   - url: the file.
  ///   - step: the step that is gone on from, 0 at the beginning.
  /// - Throws: ``RowFileError`` for a file of an earlier attempt that cannot be read.
  package init(
    _ pairs: [(pair: PreferencePair, encoded: EncodedPair)], count: Int, model: VisionLanguageModel,
    features: FeatureStore, encoder: PromptEncoder, maxNewTokens: Int, url: URL, after step: Int
  ) throws {
    var seen = Set<[String]>()
    let different = pairs.filter {
      seen.insert($0.encoded.promptIDs.map(String.init) + $0.pair.images).inserted
    }
    self.pairs = Array(different.prefix(count))
    self.model = model
    self.features = features
    generator = Generator(model: model, tokenizer: encoder.tokenizer, stop: encoder.template.stop)
    contextLength = encoder.contextLength
    self.maxNewTokens = maxNewTokens
    self.url = url
    // The list of an earlier outcome of the stage may still have another content of the file.
    let earlier = step > 0 ? try Self.rows(in: url, verifying: false) : []
    rows = earlier.filter { $0.step <= step }
  }

  /// The rows of a file; none where it is not there.
  /// - Throws: ``RowFileError``, or ``RunDirectoryError`` for a file that is not as it was written.
  package static func rows(in url: URL, verifying: Bool = true) throws -> [HeldOutAnswer] {
    guard FileManager.default.fileExists(atPath: url.path) else { return [] }
    if verifying { return try RowFile.read(from: url) }
    return try RowFile.lines(of: try StoredBytes.read(url)).map { number, line in
      try RowFile.row(of: line, in: url, line: number)
    }
  }

  /// Asks the model as it is now, and writes its answers behind the earlier ones.
  package mutating func ask(afterStep step: Int) throws {
    let rooms = pairs.map { min(maxNewTokens, contextLength - $0.encoded.promptIDs.count) }
    var answers: [Int: String] = [:]
    let byRoom = Dictionary(grouping: pairs.indices) { rooms[$0] }
    for (room, indices) in byRoom.sorted(by: { $0.key > $1.key }) where room > 0 {
      let asked = indices.map { pairs[$0].encoded }
      let own = try noGradient { try features.features(of: asked.map(\.pictures)) }
      let found = try generator.generate(
        asked.map { PackedExample(promptIDs: $0.promptIDs, images: own.numbers(of: $0.pictures)) },
        imageFeatures: own.features, maxNewTokens: room)
      for (index, answer) in zip(indices, found) { answers[index] = answer.trimmedText }
    }
    rows += pairs.enumerated().map { index, one in
      HeldOutAnswer(
        step: step, id: one.pair.id, images: one.pair.images, prompt: one.pair.prompt,
        answer: answers[index] ?? "", chosen: one.pair.chosen, rejected: one.pair.rejected)
    }
    try RowFile.write(rows, to: url)
  }
}
