import DPOTrain
import Foundation
import LVLM
import MultiImageData
import Records
import Tensor
import TestSupport
import Testing

/// Conversations of supervised training in the prompts of all formats.
@Suite struct ComposedConversationsTests {
  private static let scenes = ShapeScenes(
    seed: 5, size: 24, counts: [.sft: 4000, .validation: 30], answers: .sentences)
  private static let options = CompositionOptions(cell: 24, innerScale: 0.5, minimumOuterSide: 24)

  private static func sampler(_ change: (inout SupervisedSettings) -> Void) throws -> ConversationSampler {
    var settings = SupervisedSettings()
    settings.composed.share = 1
    change(&settings)
    return try ConversationSampler(
      source: scenes, settings: settings, options: options,
      sampler: RecordSampler(recordCount: 4000, batchSize: 40, seed: 2), seed: 2)
  }

  @Test func everyTurnNamesThePictureItsAnswerIsTrueOf() throws {
    let sampler = try Self.sampler {
      $0.composed.sequence = [2: 1, 5: 1]
      $0.composed.grid = [4: 1, 9: 1]
      $0.composed.picInPic = 1
    }
    let grader = try #require(Self.scenes.grader)
    var seen: Set<String> = []
    for step in 0..<3 {
      let conversations = try sampler.conversations(ofStep: step)
      #expect(conversations == (try sampler.conversations(ofStep: step)))
      for conversation in conversations {
        #expect(ImageMark.count(in: conversation.turns[0].question) == conversation.pictures.count)
        #expect(conversation.turns.count == 4)
        var images: [ImageReference] = []
        var kind = CompositionKind.sequence
        for picture in conversation.pictures {
          switch picture {
          case .source(let image): images.append(image)
          case .composed(let canvas): (images, kind) = (canvas.sources, canvas.kind)
          default: Issue.record("\(picture)")
          }
        }
        #expect(Set(images.map(\.path)).count == images.count)
        seen.insert("\(kind.rawValue) \(images.count)")
        for turn in conversation.turns {
          let target = kind == .pictureInPicture ? 1 : try #require(PromptRewriting.target(in: turn.question))
          let last = turn.question.split(separator: "\n").last.map(String.init) ?? ""
          let question = try #require(last.components(separatedBy: ", ").last)
          let facts = try #require(Self.scenes.facts(of: images[target - 1]))
          #expect(
            grader.verdict(of: turn.answer, to: question, facts: facts) == .right,
            "\(turn.question): \(turn.answer)")
        }
      }
    }
    #expect(seen == ["sequence 2", "sequence 5", "grid 4", "grid 9", "pic_in_pic 2"])
  }

  @Test func canvasesAreThoseOfTheComposeStage() throws {
    let store = PictureStore(
      source: Self.scenes, processor: ImageProcessor(ImageProcessorConfiguration(size: 24)))
    let composer = Composer(source: Self.scenes, options: Self.options, seed: 1)
    for (kind, count) in [(CompositionKind.grid, 4), (.pictureInPicture, 2)] {
      let made = try composer.compose(kind, count: count, split: .sft, target: 3, number: 0)
      let canvas = ComposedPicture(kind, sources: made.sources, options: Self.options)
      #expect(
        try store.pixels(store.shown([.composed(canvas)])).array(of: Float.self)
          == ImageProcessor(ImageProcessorConfiguration(size: 24)).values(made.images[0]))
    }
  }

  @Test func pairsComeFirst() throws {
    let sampler = try Self.sampler {
      $0.composed.sequence = [5: 1]
      ($0.maxSteps, $0.composed.pairsUntil) = (10, 0.3)
    }
    for (step, count) in [(0, 2), (2, 2), (3, 5)] {
      #expect(try sampler.conversations(ofStep: step).allSatisfy { $0.pictures.count == count })
    }
    var composed = SupervisedSettings.Composed()
    composed.sequence = [2: 3, 4: 1]
    (composed.grid, composed.picInPic) = ([2: 0.5, 9: 2], 1)
    #expect(composed.pairs.map(\.kind) == [.sequence, .grid, .pictureInPicture])
    #expect(composed.pairs.map(\.count) == [2, 2, 2] && composed.pairs.map(\.weight) == [3, 0.5, 1])
  }

  @Test func weightsOfNothingComposeNothing() throws {
    let sampler = try Self.sampler { $0.composed.sequence = [2: 0] }
    #expect(try sampler.conversations(ofStep: 0).allSatisfy { $0.pictures.count == 1 })
    let few = ShapeScenes(seed: 5, size: 24, counts: [.sft: 3])
    var settings = SupervisedSettings()
    settings.composed.grid = [4: 1]
    #expect(throws: DataError.self) {
      try ConversationSampler(
        source: few, settings: settings, sampler: RecordSampler(recordCount: 3, batchSize: 3, seed: 2),
        seed: 2)
    }
  }
}

/// A look at validation data that begins the decay early.
@Suite struct EarlyDecayTests {
  private struct Loop {
    let model: LlavaModel
    let loop: TrainingLoop
    let objective: SupervisedObjective

    init(_ folder: TemporaryFolder) throws {
      let setup = try ConversationSetup()
      let conversation = Conversation(
        id: "c", pictures: [.source(setup.scenes.image(.sft, 0))],
        turns: [.init(question: "<image>\nWhat color is it?", answer: "red")])
      model = setup.model
      objective = SupervisedObjective(
        model: model, features: setup.features, encoder: setup.encoder,
        sampler: RecordSampler(recordCount: 4, batchSize: 1, seed: 0), conversations: { _ in [conversation] })
      loop = TrainingLoop(
        settings: .init(
          stage: .sft, steps: 20,
          schedule: LearningRateSchedule(
            .linear, peak: 1e-3, warmupSteps: 0, totalSteps: 20, decaySteps: 4),
          beta1: 0.9, beta2: 0.98, weightDecay: 0, maxGradNorm: 1, loggingSteps: 1, saveSteps: 3,
          saveTotalLimit: 0, evalSteps: 2, decaySteps: 4, configurationHash: "h", configuration: ""),
        model: model, checkpoints: URL(fileURLWithPath: folder.path + "/checkpoints"),
        metrics: URL(fileURLWithPath: folder.path + "/metrics.jsonl"), console: Console(isQuiet: true))
    }

    struct Killed: Error {}

    /// Runs with looks that see more each time; the third one is enough.
    func run(killedAt last: Double = .infinity) throws -> [Double] {
      var looks = 2 * Double(try loop.resume() / 2)
      var seen: [Double] = []
      try loop.run(objective) {
        looks += 2
        seen.append(looks)
        if looks >= last { throw Killed() }
        return TrainingLoop.Look(values: [("eval_accuracy_sequence", looks / 100)], decays: looks >= 6)
      }
      return seen
    }

    var weights: [Data] {
      model.namedParameters().map { $0.parameter.tensor.array(of: Float.self) }
        .map { values in values.withUnsafeBytes { Data($0) } }
    }
  }

  private func rows(_ folder: TemporaryFolder) throws -> [[String: Any]] {
    try String(contentsOfFile: folder.path + "/metrics.jsonl", encoding: .utf8).split(separator: "\n").map {
      try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
  }

  @Test func theDecayBeginsWhenALookSaysSo() throws {
    let folder = try TemporaryFolder()
    let whole = try Loop(folder)
    #expect(try whole.run() == [2, 4, 6, 8, 10])
    let log = try rows(folder)
    #expect(log.compactMap { $0["step"] as? Int } == Array(1...10))
    #expect(
      log.map { $0["eval_accuracy_sequence"] as? Double }
        == [nil, 0.02, nil, 0.04, nil, 0.06, nil, 0.08, nil, 0.1])
    let rates = log.compactMap { $0["learning_rate"] as? Double }
    #expect(rates[5] == 1e-3 && rates[9] < 3e-4 && rates[6...] == rates[6...].sorted(by: >)[...])

    // Taken up again after the decision, from the checkpoint of step 9.
    let other = try TemporaryFolder()
    let killed = try Loop(other)
    #expect(throws: Loop.Killed.self) { try killed.run(killedAt: 10) }
    let resumed = try Loop(other)
    #expect(try resumed.run() == [10])
    #expect(resumed.weights == whole.weights)
    #expect(
      try MetricsLog.withoutTimes(Data(contentsOf: URL(fileURLWithPath: other.path + "/metrics.jsonl")))
        == MetricsLog.withoutTimes(Data(contentsOf: URL(fileURLWithPath: folder.path + "/metrics.jsonl"))))
  }
}
