import Tensor

/// Examples laid out one after the other, without padding, and what the decoder needs to know about them.
///
/// Rows are tokens. Of an answer every token but the last is a row; the last row of the prompt predicts its
/// first token. With a shared prefix the prompt is there once and all its answers attend to it but not to
/// each other; their positions all go on where the prompt ends. Without, every answer has its own copy of the
/// prompt. Both give the same numbers up to rounding.
public struct PackedBatch: Sendable {
  /// Where one sequence (a prompt and at most one of its answers) lies.
  public struct Sequence: Equatable, Sendable {
    /// Index of the example.
    public var example: Int
    /// Index of the answer within the example; nil for a prompt without answers.
    public var completion: Int?
    /// Rows of the prompt.
    public var prompt: Range<Int>
    /// Rows of the answer without its last token.
    public var answer: Range<Int>
    /// The row among ``PackedBatch/outputRows`` of the last token of the prompt.
    public var promptOutput: Int
    /// The rows among ``PackedBatch/outputRows`` of the answer.
    public var answerOutputs: Range<Int>
    /// The part of ``PackedBatch/imageRows`` that belongs to this prompt, pictures in order.
    public var imageRows: Range<Int>
    /// The pictures of the prompt among ``PackedBatch/features``.
    public var images: [Int]
  }

  /// Token id of every row.
  public private(set) var inputIDs: [Int32] = []
  /// Position of every row in its sequence.
  public private(set) var positions: [Int32] = []
  /// Which rows attend to which.
  public private(set) var layout = AttentionLayout(segments: [])
  /// Rows that take an image feature instead of an embedding.
  public private(set) var imageRows: [Int32] = []
  /// For each of ``imageRows`` the row of ``ImageFeatures/rows``.
  public private(set) var featureRows: [Int32] = []
  /// For each target the row that predicts it.
  public private(set) var predictionRows: [Int32] = []
  /// The tokens to predict: all tokens of all answers.
  public private(set) var targets: [Int32] = []
  /// For each target the index of its answer, counted over the batch, example by example.
  public private(set) var completionOfTarget: [Int] = []
  /// Answers in the batch.
  public private(set) var completionCount = 0

  /// Rows whose final hidden state somebody needs: the end of every prompt and all rows of answers,
  /// ascending.
  public private(set) var outputRows: [Int32] = []
  /// Position of each of ``outputRows``.
  public private(set) var outputPositions: [Int32] = []
  /// ``layout`` for queries that are only ``outputRows``.
  public private(set) var outputLayout = AttentionLayout(segments: [])
  /// For each target the row among ``outputRows`` that predicts it.
  public private(set) var predictionOutputs: [Int32] = []
  /// One entry per answer, or per example without answers.
  public private(set) var sequences: [Sequence] = []
  /// The features of all pictures that examples may show.
  public let features: FeatureLayout

  /// Rows of the batch.
  public var tokenCount: Int { inputIDs.count }

  /// Tokens of the sequence that each row belongs to, the last of its answer included; of a shared prompt
  /// those of the longest.
  var sequenceLengths: [Int32] {
    var lengths = [Int32](repeating: 0, count: tokenCount)
    for sequence in sequences {
      let answer = sequence.completion == nil ? 0 : sequence.answer.count + 1
      let length = Int32(sequence.prompt.count + answer)
      for row in sequence.prompt { lengths[row] = max(lengths[row], length) }
      for row in sequence.answer { lengths[row] = length }
    }
    return lengths
  }

  /// The features of the pictures of a sequence.
  public func grids(of sequence: Sequence) -> [FeatureGrid] { sequence.images.map { features.grids[$0] } }

  /// Lays out `examples`.
  ///
  /// - Parameters:
  ///   - sharesPrefix: whether a prompt with several answers is there once.
  ///   - imageTokenID: the id whose rows take image features.
  ///   - features: those that the examples' pictures have, none where they show none.
  /// - Throws: ``PackingError``.
  public init(
    _ examples: [PackedExample], sharesPrefix: Bool, imageTokenID: Int32,
    features: FeatureLayout = FeatureLayout([])
  ) throws {
    self.features = features
    for (index, example) in examples.enumerated() {
      try Self.check(example, index: index, imageTokenID: imageTokenID, features: features)
      if sharesPrefix || example.completions.count < 2 {
        append(example, at: index, completions: 0..<example.completions.count, imageTokenID: imageTokenID)
      } else {
        for completion in example.completions.indices {
          append(example, at: index, completions: completion..<completion + 1, imageTokenID: imageTokenID)
        }
      }
    }
  }

  private static func check(
    _ example: PackedExample, index: Int, imageTokenID: Int32, features: FeatureLayout
  ) throws {
    if example.promptIDs.isEmpty { throw PackingError.empty(example: index, completion: nil) }
    if let other = example.images.first(where: { !features.grids.indices.contains($0) }) {
      throw PackingError.noSuchImage(example: index, image: other, count: features.count)
    }
    let found = example.promptIDs.count { $0 == imageTokenID }
    let expected = example.images.map { features.grids[$0].count }
    if found != expected.reduce(0, +) {
      throw PackingError.imageTokens(example: index, found: found, features: expected)
    }
    if let empty = example.completions.firstIndex(where: \.isEmpty) {
      throw PackingError.empty(example: index, completion: empty)
    }
  }

  private mutating func append(
    _ example: PackedExample, at index: Int, completions: Range<Int>, imageTokenID: Int32
  ) {
    let prompt = tokenCount..<tokenCount + example.promptIDs.count
    let ownImageRows = appendPrompt(example, rows: prompt, imageTokenID: imageTokenID)
    layout.segments.append(.init(queries: prompt, keys: [], causal: prompt))

    let promptOutput = outputRows.count
    outputRows.append(Int32(prompt.upperBound - 1))
    outputPositions.append(Int32(prompt.count - 1))
    outputLayout.segments.append(
      .init(queries: promptOutput..<promptOutput + 1, keys: [prompt], causal: nil))

    for completion in completions {
      let ids = example.completions[completion]
      let answer = tokenCount..<tokenCount + ids.count - 1
      let answerOutputs = outputRows.count..<outputRows.count + answer.count
      let answerPositions = prompt.count..<prompt.count + answer.count
      inputIDs += ids.dropLast()
      positions += answerPositions.map(Int32.init)
      outputRows += answer.map(Int32.init)
      outputPositions += answerPositions.map(Int32.init)
      if !answer.isEmpty {
        layout.segments.append(.init(queries: answer, keys: [prompt], causal: answer))
        outputLayout.segments.append(.init(queries: answerOutputs, keys: [prompt], causal: answer))
      }
      targets += ids
      predictionRows += [Int32(prompt.upperBound - 1)] + answer.map(Int32.init)
      predictionOutputs += [Int32(promptOutput)] + answerOutputs.map(Int32.init)
      completionOfTarget += repeatElement(completionCount, count: ids.count)
      completionCount += 1
      sequences.append(
        Sequence(
          example: index, completion: completion, prompt: prompt, answer: answer,
          promptOutput: promptOutput, answerOutputs: answerOutputs, imageRows: ownImageRows,
          images: example.images))
    }
    if completions.isEmpty {
      sequences.append(
        Sequence(
          example: index, completion: nil, prompt: prompt, answer: prompt.upperBound..<prompt.upperBound,
          promptOutput: promptOutput, answerOutputs: outputRows.count..<outputRows.count,
          imageRows: ownImageRows,
          images: example.images))
    }
  }

  /// Appends the prompt's ids, positions and image rows; returns its part of ``imageRows``.
  private mutating func appendPrompt(
    _ example: PackedExample, rows: Range<Int>, imageTokenID: Int32
  ) -> Range<Int> {
    let first = imageRows.count
    inputIDs += example.promptIDs
    positions += (0..<rows.count).map(Int32.init)
    for (offset, id) in example.promptIDs.enumerated() where id == imageTokenID {
      imageRows.append(Int32(rows.lowerBound + offset))
    }
    for image in example.images { featureRows += features[image].map(Int32.init) }
    return first..<imageRows.count
  }
}
