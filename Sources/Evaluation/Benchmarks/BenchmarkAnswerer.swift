import DPOTrain
import LVLM
import Records
import Tensor

/// Puts the rows of a benchmark to a model, in batches that are a function of all rows, so that a resumed run
/// computes the same ones.
package struct BenchmarkAnswerer {
  /// What is asked for, and how.
  package struct Settings: Sendable, Equatable {
    var generates = true
    var scoresOptions = true
    package var batchSize: Int
    package var batchTokens: Int
    package var maxNewTokens: Int
    package var form: BenchmarkPrompt.Form
    package var suffix = ""

    package init(
      generates: Bool = true, scoresOptions: Bool = true, batchSize: Int, batchTokens: Int,
      maxNewTokens: Int, form: BenchmarkPrompt.Form, suffix: String = ""
    ) {
      self.generates = generates
      self.scoresOptions = scoresOptions
      self.batchSize = batchSize
      self.batchTokens = batchTokens
      self.maxNewTokens = maxNewTokens
      self.form = form
      self.suffix = suffix
    }
  }

  /// A row with its token ids.
  private struct Encoded {
    var row: BenchmarkRow
    var example: PackedExample
    /// For each picture of the prompt which one it is.
    var images: [BenchmarkRow.Image]
    var choices: [OptionMatching.Option]
    var hasLetters: Bool
  }

  private let loaded: PretrainedModel
  private let pictures: BenchmarkPictures
  private let settings: Settings
  private let generator: Generator
  private let encoded: [Encoded]
  /// Places among the rows of each batch.
  package let batches: [[Int]]

  /// Encodes all rows; those that cannot be are taken from `rows`, and told in its problems.
  package init(
    _ rows: inout BenchmarkRows, model loaded: PretrainedModel, settings: Settings
  ) throws {
    self.loaded = loaded
    self.settings = settings
    generator = Generator(model: loaded.model, tokenizer: loaded.tokenizer, stop: loaded.template.stop)
    let encoder = loaded.encoder
    var encoded: [Encoded] = []
    let pictures = BenchmarkPictures(rows: rows)
    var unusable: [(place: Int, problem: DataError)] = []
    for row in rows.rows {
      do {
        encoded.append(
          try Self.encode(
            row, preset: rows.preset, encoder: encoder, settings: settings, pictures: pictures))
      } catch let error as PromptError {
        unusable.append((row.place, rows.problem("\(error)", place: row.place)))
      } catch let error as BenchmarkCellError {
        unusable.append((row.place, rows.problem(error.problem, place: row.place)))
      }
    }
    rows.leaveOut(unusable)
    self.encoded = encoded
    self.pictures = pictures
    let room = settings.generates ? settings.maxNewTokens : 0
    batches = TokenBatches.byLength(
      lengths: encoded.map { item in
        item.example.promptIDs.count + max(room, item.example.completions.reduce(0) { $0 + $1.count })
      }, budget: settings.batchTokens, maximumRecords: settings.batchSize)
  }

  private static func encode(
    _ row: BenchmarkRow, preset: BenchmarkPreset, encoder: PromptEncoder, settings: Settings,
    pictures: BenchmarkPictures
  ) throws -> Encoded {
    let prompt = try BenchmarkPrompt(
      row, form: settings.form, suffix: settings.suffix, marksImages: preset.marksImages)
    let choices = settings.scoresOptions ? row.choices(preset.answers) : []
    let hasLetters = !row.options.isEmpty
    let images = prompt.pictures.map { row.images[$0] }
    let geometry = encoder.geometry
    let grids = try images.map { image in
      if let fixed = geometry.fixed { return fixed }
      let picture = try pictures.picture(image)
      let isAlone = images.count == 1
      if let found = geometry.refusal(width: picture.width, height: picture.height, isAlone: isAlone) {
        throw BenchmarkCellError(
          column: "image", found: found, expected: "a picture that the model can be shown")
      }
      return geometry.grid(width: picture.width, height: picture.height, isAlone: isAlone)
    }
    let example = try encoder.example(
      question: prompt.text, images: prompt.pictures, grids: grids,
      answers: choices.flatMap { hasLetters ? [$0.letter, $0.text] : [$0.text] },
      room: settings.generates ? settings.maxNewTokens : 0)
    return Encoded(
      row: row, example: example, images: images, choices: choices,
      hasLetters: hasLetters)
  }

  /// The answers of one batch, in the order of its rows.
  package func answers(batch: Int) throws -> [BenchmarkAnswer] {
    // Caches that grow token by token leave buffers of every size.
    if TensorRuntime.cachedBytes > 1 << 29 { TensorRuntime.trim() }
    let items = batches[batch].map { encoded[$0] }
    struct Shown: Hashable {
      var image: BenchmarkRow.Image
      var isAlone: Bool
    }
    func shown(_ item: Encoded) -> [Shown] {
      item.images.map { Shown(image: $0, isAlone: item.images.count == 1) }
    }
    var numbers: [Shown: Int] = [:]
    var distinct: [Shown] = []
    for image in items.flatMap(shown) where numbers[image] == nil {
      numbers[image] = distinct.count
      distinct.append(image)
    }
    let (images, pictures) = (distinct.map(\.image), pictures)
    let features = try loaded.imageFeatures(
      concurrently(images.count) { try pictures.picture(images[$0]) }.map { try $0.get() },
      isAlone: distinct.map(\.isAlone))
    let examples = items.map { item in
      PackedExample(
        promptIDs: item.example.promptIDs, images: shown(item).compactMap { numbers[$0] },
        completions: item.example.completions)
    }
    var answers = items.map { BenchmarkAnswer(index: $0.row.index) }
    if settings.generates {
      let found = try generator.generate(
        examples, imageFeatures: features, maxNewTokens: settings.maxNewTokens)
      for (place, answer) in found.enumerated() {
        answers[place].prediction = answer.trimmedText
        answers[place].end = answer.end.rawValue
      }
    }
    let scored = items.indices.filter { !examples[$0].completions.isEmpty }
    guard !scored.isEmpty else { return answers }
    let sums = try likelihoods(scored.map { examples[$0] }, features: features)
    var next = sums.makeIterator()
    for place in scored {
      answers[place].likelihoods = items[place].choices.map { option in
        let letter = items[place].hasLetters ? next.next() : nil
        let text = next.next() ?? (sum: .nan, tokens: 1)
        return .init(
          option: option.letter, letter: letter?.sum, sum: text.sum, mean: text.sum / Double(text.tokens))
      }
    }
    return answers
  }

  /// Sums of log-probabilities of all completions: a prompt is computed once for all of its own.
  private func likelihoods(
    _ examples: [PackedExample], features: ImageFeatures
  ) throws -> [(sum: Double, tokens: Int)] {
    let configuration = loaded.model.configuration
    let batch = try PackedBatch(
      examples, sharesPrefix: true, imageTokenID: Int32(configuration.imageTokenIndex),
      features: features.layout)
    let values = noGradient {
      loaded.model.logProbabilities(batch, imageFeatures: features).array(of: Float.self)
    }
    var sums = [(sum: Double, tokens: Int)](repeating: (0, 0), count: batch.completionCount)
    for (value, completion) in zip(values, batch.completionOfTarget) {
      sums[completion].sum += Double(value)
      sums[completion].tokens += 1
    }
    return sums
  }
}
