import Foundation
import LVLM
import MultiImageData
import Records
import Tensor

/// Teaches the vision tower to name what is in a picture before it meets the decoder.
///
/// Linear heads on the mean feature of a picture's patches predict the answers to questions that apply to
/// every picture; the heads are thrown away. A share of the pictures are canvases, where the heads see the
/// patches of one cell at a time. It stands in for the CLIP training that a real vision tower comes with.
public struct VisionPretraining {
  /// A question with a closed set of answers about the pictures of one collection.
  public struct Attribute: Sendable, Equatable {
    /// The collection the pictures are of.
    public var collection: String
    /// What is asked about each.
    public var question: String
    /// The answers, in a fixed order.
    public var classes: [String]
  }

  private let settings: SupervisedSettings.VisionPretraining
  private let model: VisionLanguageModel
  private let source: any QuestionSource
  private let pictures: PictureStore
  private let canvases: RegionSampler
  private let seed: UInt64

  /// Creates the training of `model`'s vision tower on the split `sft` of `source`.
  /// - Parameters:
  ///   - composed: the formats that canvases have.
  ///   - options: sizes of canvases.
  public init(
    settings: SupervisedSettings.VisionPretraining, composed: SupervisedSettings.Composed = .init(),
    options: CompositionOptions = .init(), model: VisionLanguageModel, source: any QuestionSource,
    pictures: PictureStore, seed: UInt64
  ) {
    canvases = RegionSampler(
      source: source, composed: composed, share: settings.composedShare, options: options,
      grid: model.configuration.patchGrid)
    self.settings = settings
    self.model = model
    self.source = source
    self.pictures = pictures
    self.seed = seed
  }

  /// The questions that at least half of the pictures of a collection answer, with three to 32 different
  /// answers that occur twice on average; of questions that divide the pictures in the same way only the
  /// first.
  public static func attributes(of source: any QuestionSource) throws -> [Attribute] {
    let looked = 400
    let count = source.count(of: .sft)
    guard source.answersAboutAnyImage, count > 0 else { return [] }
    func collections(_ count: Int) -> [String: [Int]] {
      Dictionary(grouping: 0..<count) { source.collection(of: source.image(.sft, $0)) }
    }
    let few = collections(min(count, looked))
    let all = collections(min(count, looked * few.count))
    return try few.keys.sorted().flatMap {
      try attributes(of: source, collection: $0, indices: all[$0] ?? [])
    }
  }

  private static func attributes(
    of source: any QuestionSource, collection: String, indices: [Int]
  ) throws -> [Attribute] {
    let images = indices.map { source.image(.sft, $0) }
    var asked = Set<String>()
    var divisions = Set<[Int]>()
    var attributes: [Attribute] = []
    for index in indices {
      let question = try source.record(.sft, index).question
      guard asked.insert(question).inserted else { continue }
      var order: [String: Int] = [:]
      let division = images.map { image in
        guard let answer = source.answer(to: question, about: image) else { return -1 }
        if let known = order[answer] { return known }
        order[answer] = order.count
        return order.count - 1
      }
      let answered = division.count { $0 >= 0 }
      guard answered * 2 >= images.count, (3...32).contains(order.count), order.count * 2 <= answered,
        divisions.insert(division).inserted
      else { continue }
      attributes.append(
        Attribute(collection: collection, question: question, classes: order.keys.sorted()))
    }
    return attributes
  }

  /// Trains the tower's computed layers.
  /// - Returns: Share of right classes over the last tenth of the steps, all attributes together; `nil` when
  ///   the data has no attribute.
  /// - Throws: ``TrainingError`` for a loss that is not finite, ``InterruptedRun`` when a stop was asked for.
  public func run(console: Console) throws -> Double? {
    let attributes = try Self.attributes(of: source)
    guard settings.maxSteps > 0, !attributes.isEmpty else { return nil }
    var random = RandomGenerator(seed: seed, stream: 0x5649_5349)
    let width = model.configuration.visionWidth
    let heads = attributes.map { Linear(width, $0.classes.count, bias: false, using: &random) }
    var parameters = model.visionTower.namedParameters(prefix: "vision_tower")
    for (index, head) in heads.enumerated() { parameters += head.namedParameters(prefix: "heads.\(index)") }
    let batchSize = min(settings.perDeviceTrainBatchSize, source.count(of: .sft))
    let sampler = RecordSampler(
      recordCount: source.count(of: .sft), batchSize: batchSize, seed: seed ^ 0x5649)
    let schedule = LearningRateSchedule(
      .cosine, peak: settings.learningRate,
      warmupSteps: Int((settings.warmupRatio * Double(settings.maxSteps)).rounded(.up)),
      totalSteps: settings.maxSteps)
    let optimizer = AdamW(
      learningRate: settings.learningRate, beta1: 0.9, beta2: 0.98, weightDecay: settings.weightDecay)
    let progress = console.progress("vision", total: settings.maxSteps)
    defer { progress.finish() }
    var cursor = RecordSampler.Cursor(sampler)
    var (right, answered) = (0, 0)
    for step in 0..<settings.maxSteps {
      try Interruption.check("vision pre-training, step \(step) of \(settings.maxSteps)")
      var draws = random.split(UInt64(step))
      let batch = canvases.batch(
        of: cursor.records(ofStep: step).map { source.image(.sft, $0) }, using: &draws)
      let images = batch.regions.map(\.image)
      let pooled = batch.pooled(model.visionFeatures(try pictures.wholeViews(batch.pictures)))
      var loss = Tensor(0)
      for (attribute, head) in zip(attributes, heads) {
        let known = images.enumerated().compactMap { row, image -> (row: Int32, target: Int32)? in
          guard source.collection(of: image) == attribute.collection,
            let answer = source.answer(to: attribute.question, about: image),
            let target = attribute.classes.firstIndex(of: answer)
          else { return nil }
          return (Int32(row), Int32(target))
        }
        if known.isEmpty { continue }
        let targets = known.map(\.target)
        let asked = known.count == images.count ? pooled : pooled.rows(at: Tensor(known.map(\.row)))
        loss =
          loss - targetLogProbabilities(hidden: asked, weight: head.weight.tensor, targets: targets).mean()
        if step * 10 >= settings.maxSteps * 9 {
          let found = noGradient { head(asked.detached()).argmax(axis: 1).array(of: Int32.self) }
          right += zip(found, targets).count { $0 == $1 }
          answered += targets.count
        }
      }
      guard loss.item().isFinite else {
        throw TrainingError.notFinite(
          what: "the loss", value: "\(loss.item())", stage: "vision pre-training", step: step + 1,
          records: images.map(\.path), checkpoint: nil)
      }
      let gradients = loss.backward()
      optimizer.learningRate = schedule.rate(step: step)
      optimizer.step(
        parameters, gradients,
        gradientScale: Gradients.clippingFactor(norm: gradients.norm(of: parameters), maximum: 1),
        isDecayed: { $0.parameter.shape.count > 1 })
      progress.update(step: step + 1, fields: [("loss", fixed(loss.item(), 3))])
    }
    return Double(right) / Double(max(answered, 1))
  }
}
