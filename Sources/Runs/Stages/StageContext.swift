import DPOTrain
import Evaluation
import Foundation
import LVLM
import MultiImageData
import Ranks
import Records
import Tensor

/// What every stage works with.
public struct StageContext {
  /// The run's configuration.
  public let configuration: RunConfiguration
  /// Where the run's files are.
  public let directory: RunDirectory
  /// Where messages and progress go.
  public let console: Console
  /// The data.
  public let source: any QuestionSource
  /// What becomes of records that cannot be used.
  public let omissions: OmissionLog
  /// Which picture files can be read.
  let pictureCheck: PictureCheck
  /// The vocabulary of the run's own texts, where it makes one.
  let vocabulary: OwnVocabulary?
  /// The pairs of a run that brings its own.
  let ownPairs: OwnPairs?
  /// The run's TensorBoard events.
  let events: RunEvents?
  /// Files outside the run that it is made from.
  let outside: OutsideFiles.AtStart
  /// The processes that train the run together.
  let team: RankTeam

  /// Creates a context.
  init(
    configuration: RunConfiguration, directory: RunDirectory, console: Console, source: any QuestionSource,
    omissions: OmissionLog, pictureCheck: PictureCheck = PictureCheck(), vocabulary: OwnVocabulary? = nil,
    ownPairs: OwnPairs? = nil, events: RunEvents? = nil,
    outside: OutsideFiles.AtStart = OutsideFiles.AtStart(), team: RankTeam = .alone
  ) {
    self.team = team
    self.outside = outside
    self.ownPairs = ownPairs
    self.events = events
    self.omissions = omissions
    self.pictureCheck = pictureCheck
    self.vocabulary = vocabulary
    self.configuration = configuration
    self.directory = directory
    self.console = console
    self.source = RemainingRecords(source, verify: outside.requireUnchanged)
  }

  /// Says that rows of an earlier attempt are made again because they were not as they were written.
  func tellDamaged(_ count: Int, of what: String) {
    guard count > 0 else { return }
    console.warning(
      "\(what): \(count) answers of the interrupted attempt are damaged on disk and are made again")
  }

  /// Runs a stage with large products in bfloat16 where `bf16` asks for it; says which instructions compute
  /// them, or that this processor has none.
  func withProducts(in bf16: Bool, of stage: Stage, _ body: () throws -> Void) rethrows {
    guard bf16 else { return try body() }
    guard let instructions = Float32MatmulPrecision.instructions else {
      console.warning("\(stage).bf16: this processor has no products in bfloat16, Float32 is computed")
      return try body()
    }
    console.message("\(stage): large products in bfloat16 (\(instructions.rawValue))")
    try withFloat32MatmulPrecision(.medium, body)
  }

  /// The model before preference optimization.
  var baseModel: URL { configuration.baseModel(in: directory.url) }

  /// The model that answers and that training starts from: the base model but in later rounds.
  var startingModel: URL { configuration.startingModel(in: directory.url) }

  /// The model after it.
  var trainedModel: URL { configuration.trainedModel(in: directory.url) }

  /// Pictures of this run for a model.
  /// - Parameter cacheBytes: most bytes for prepared pictures, where the configuration allows them.
  func pictures(_ loaded: PretrainedModel, cacheBytes: Int = .max) throws -> PictureStore {
    // Prompts without pictures are all that a language model alone is asked.
    let processor =
      configuration.trainsGGUF && loaded.processor == nil
      ? loaded.model.configuration.usualPictureProcessor : try loaded.pictureProcessor(of: baseModel)
    return PictureStore(
      source: source, processor: processor,
      cacheBytes: min(cacheBytes, configuration.run.pictureCacheBytes), verify: outside.requireUnchanged)
  }

  /// Features of the pictures for a model, which says so when not all can be kept.
  func features(
    _ model: VisionLanguageModel, _ pictures: PictureStore, training: FeatureStore.Training = .nothing
  ) -> FeatureStore {
    FeatureStore(
      model: model, pictures: pictures, training: training, cacheBytes: configuration.run.featureCacheBytes,
      computesOnDemand: configuration.asksBaseOnDemand
    ) { [console] in console.warning($0) }
  }

  /// Opens a model of this run, and tells what there is to tell about it.
  /// - Parameter trainable: as ``ModelBuilder/open(_:run:template:trainable:)``.
  func open(
    _ model: URL, template: RunConfiguration.Tokenizer.Template? = nil, tellsNotes: Bool = false,
    trainable: Set<VisionLanguageModel.Part>? = nil
  ) throws -> PretrainedModel {
    let loaded = try ModelBuilder.open(
      model, run: configuration, template: template, trainable: trainable)
    try outside.requireUnchangedModel()
    if tellsNotes { for note in loaded.notes { console.warning(note) } }
    return loaded
  }

  /// Vocabulary and template of the base model, its weights left where they are.
  /// - Parameter template: takes the place of the run's.
  func encoder(template: RunConfiguration.Tokenizer.Template? = nil) throws -> PromptEncoder {
    try PretrainedModel.encoder(
      of: baseModel, template: (template ?? configuration.tokenizer.template)?.chatTemplate)
  }

  /// How answers to questions of this run are graded.
  /// - Throws: ``DataError`` when the configuration wants a grader that the source does not have, or that
  ///   does not know one of the questions.
  func grading(of questions: [StoredQuestion]) throws -> AnswerGrading {
    let grading = try AnswerGrading(configuration.evaluate, source: source)
    try grading.require(questions)
    return grading
  }

  /// Hash of a picture's bytes.
  func digest(of picture: Picture) throws -> String {
    func digest(ofFile path: String) throws -> String {
      try outside.requireUnchanged(path)
      let digest = try Digest.of(file: URL(fileURLWithPath: path))
      try outside.requireUnchanged(path)
      return digest
    }
    switch picture {
    case .file(let path), .noisy(let path, _):
      return try digest(ofFile: path)
    case .corrupted(let path, let corruption):
      return Digest.of("\(try digest(ofFile: path)) \(corruption.kind.rawValue) \(corruption.seed)")
    case .source(let reference):
      var digest = Digest()
      digest.update(try source.image(for: reference).pixels)
      return digest.finalize()
    case .composed(let canvas):
      var digest = Digest()
      digest.update(try canvas.drawn(from: source).pixels)
      return digest.finalize()
    }
  }
}
