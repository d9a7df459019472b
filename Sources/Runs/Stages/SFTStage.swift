import Checkpoint
import DPOTrain
import Evaluation
import Foundation
import LVLM
import MultiImageData
import Records
import Tensor

/// Supervised training of the base model: single-image conversations and a share of two-image ones in,
/// `sft/checkpoints/` and `sft/model` out.
struct SFTStage {
  let context: StageContext

  func run() throws {
    try context.withProducts(in: context.configuration.sft.bf16, of: .sft, trainInPrecision)
  }

  private func trainInPrecision() throws {
    let settings = context.configuration.sft
    let folder = try context.directory.folder(.sft)
    if settings.maxSteps == 0 {
      _ = try context.open(context.baseModel, tellsNotes: true)
      context.console.message(
        "sft: left out (sft.max_steps is 0), the base model is \(context.baseModel.path)")
      return
    }
    guard context.source.count(of: .sft) > 0 else {
      throw DataError(file: "data source \(context.source.name)", problem: "has no record in the split sft")
    }
    let base = try startingModel(folder)
    let model = base.model
    let pictures = try context.pictures(base)
    model.setTrainable(true, .projector)
    model.setTrainable(settings.trainVision, .vision)
    model.setTrainable(settings.trainDecoder, .decoder)
    model.isGradientCheckpointing = settings.gradientCheckpointing
    let batch = min(settings.perDeviceTrainBatchSize, context.source.count(of: .sft))
    let sampler = RecordSampler(
      recordCount: context.source.count(of: .sft), batchSize: batch, seed: context.configuration.run.seed)
    let conversations = try ConversationSampler(
      source: context.source, settings: settings, options: try context.configuration.compositionOptions(),
      sampler: sampler, seed: context.configuration.run.seed)
    let steps = settings.maxSteps
    let decay = Int((settings.decayRatio * Double(steps)).rounded())
    let warmup = Int((settings.warmupRatio * Double(steps)).rounded(.up))
    let loop = TrainingLoop(
      settings: TrainingLoop.Settings(
        stage: .sft, steps: steps,
        schedule: LearningRateSchedule(
          settings.lrSchedulerType, peak: settings.learningRate, warmupSteps: warmup, totalSteps: steps,
          decaySteps: decay),
        beta1: settings.adamBeta1, beta2: settings.adamBeta2, weightDecay: settings.weightDecay,
        maxGradNorm: settings.maxGradNorm, loggingSteps: settings.loggingSteps,
        saveSteps: settings.saveSteps, saveTotalLimit: 1, evalSteps: settings.evalSteps, decaySteps: decay,
        configurationHash: context.directory.identity(of: .sft), configuration: context.configuration.yaml),
      model: model, checkpoints: folder.appendingPathComponent("checkpoints", isDirectory: true),
      metrics: context.directory.metrics, console: context.console, observer: context.events)
    let start = try loop.resume()
    let counts = model.parameterCounts
    context.console.message(
      start > 0
        ? "sft: goes on after step \(start) of \(steps)"
        : "sft: \(counts.all) weights (\(counts.trainable) trained), "
          + "vocabulary of \(base.encoder.tokenizer.vocabularySize), \(steps) steps of \(batch) "
          + "conversations")
    if start == 0 { try pretrainVision(base, pictures: pictures) }
    let look = try validation(base, pictures)
    try loop.run(
      SupervisedObjective(
        model: model,
        features: FeatureStore(
          model: model, pictures: pictures, training: settings.trainVision ? .everything : .projector),
        encoder: base.encoder, sampler: sampler, conversations: conversations.conversations(ofStep:)),
      look: look.map { look in
        {
          let found = try look.accuracies()
          let several = found.filter { QuestionKind.multiImage.contains($0.kind) }.map(\.accuracy)
          let mean = several.reduce(0, +) / Double(max(several.count, 1))
          return TrainingLoop.Look(
            values: found.map { ("eval_accuracy_" + $0.kind.rawValue, $0.accuracy) },
            decays: settings.stopAccuracy > 0 && !several.isEmpty && mean >= settings.stopAccuracy)
        }
      })
    try ModelBuilder.save(base, to: context.baseModel)
  }

  /// What looks at the validation split while the model is trained; `nil` where nothing is to.
  private func validation(_ base: PretrainedModel, _ pictures: PictureStore) throws -> ValidationLook? {
    let configuration = context.configuration
    guard configuration.sft.evalSteps > 0 else { return nil }
    return try ValidationLook(
      model: base.model, encoder: base.encoder, pictures: pictures,
      composer: Composer(
        source: context.source, options: try configuration.compositionOptions(),
        seed: configuration.run.seed),
      composed: configuration.sft.composed, count: configuration.sft.evalQuestions,
      grading: try AnswerGrading(configuration.evaluate, source: context.source),
      batchTokens: configuration.evaluate.batchTokens, maxNewTokens: configuration.evaluate.maxNewTokens)
  }

  /// The model of `model.path`, or a new one with a vocabulary of the run's own texts or around a language
  /// model.
  private func startingModel(_ folder: URL) throws -> PretrainedModel {
    if let path = context.configuration.model.path {
      return try context.open(URL(fileURLWithPath: path, isDirectory: true), tellsNotes: true)
    }
    if let path = context.configuration.model.languageModel {
      let loaded = try ModelBuilder.fresh(
        context.configuration, languageModel: path, tokenizerTo: folder)
      for note in loaded.notes { context.console.warning(note) }
      return loaded
    }
    guard let vocabulary = context.vocabulary else {
      throw DataError(file: "sft", problem: "has neither a model nor texts for a vocabulary")
    }
    try vocabulary.write(to: folder.appendingPathComponent(ModelBuilder.tokenizerName))
    try ModelBuilder.writeVocabularySettings(context.configuration.model, to: folder)
    return try ModelBuilder.fresh(context.configuration, tokenizer: try vocabulary.tokenizer, in: folder)
  }

  private func pretrainVision(_ base: PretrainedModel, pictures: PictureStore) throws {
    guard context.configuration.model.path == nil else { return }
    base.model.setTrainable(true, .vision)
    defer { base.model.setTrainable(context.configuration.sft.trainVision, .vision) }
    let training = VisionPretraining(
      settings: context.configuration.sft.visionPretraining, composed: context.configuration.sft.composed,
      options: try context.configuration.compositionOptions(), model: base.model, source: context.source,
      pictures: pictures, seed: context.configuration.run.seed)
    if let accuracy = try training.run(console: context.console) {
      context.console.message("sft: vision tower names \(fixed(accuracy * 100, 1)) % of attributes")
    }
  }
}
