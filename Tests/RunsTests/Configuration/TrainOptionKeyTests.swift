import DPOTrain
import Foundation
import Runs
import Tensor
import Testing

/// Keys of `train` that say how adapters and parts of the model learn.
@Suite struct TrainOptionKeyTests {
  private func read(_ keys: String) throws -> RunConfiguration {
    try RunConfiguration(yaml: "train: {\(keys)}\n", file: "c.yaml")
  }

  @Test func adaptersAreScaledByTheRootOfTheirRank() throws {
    #expect(try read("lora_r: 64, lora_alpha: 16").train.adapterAlpha == 16)
    #expect(try read("lora_r: 64, lora_alpha: 16, use_rslora: true").train.adapterAlpha == 128)
  }

  @Test func partsHaveRatesOfTheirOwn() throws {
    let usual = try read("learning_rate: 3e-4").train.rateFactors
    for name in ["vision_tower.a", "multi_modal_projector.b", "language_model.c.lora_B.weight"] {
      #expect(usual[name] == 1)
    }
    let own = try read(
      "learning_rate: 2e-4, projector_learning_rate: 1e-4, vision_learning_rate: 5e-5, loraplus_lr_ratio: 16"
    ).train.rateFactors
    #expect(own["multi_modal_projector.linear_1.weight"] == 0.5 && own["vision_tower.a"] == 0.25)
    #expect(own["language_model.c.lora_B.weight"] == 16 && own["language_model.c.lora_A.weight"] == 1)
    #expect(own["vision_tower.c.lora_B.weight"] == 4)
  }

  @Test func everyScheduleHasItsNumbers() throws {
    func rates(_ keys: String) throws -> [Double] {
      let schedule = try read("learning_rate: 1, warmup_ratio: 0.2, \(keys)").train.schedule(steps: 10)
      return (0...10).map(schedule.rate)
    }
    for kind in LearningRateScheduler.allCases {
      let expected = LearningRateSchedule(kind, peak: 1, warmupSteps: 2, totalSteps: 10)
      #expect(try rates("lr_scheduler_type: \(kind.rawValue)") == (0...10).map(expected.rate))
    }
    let restarts = try rates("lr_scheduler_type: cosine_with_restarts, lr_scheduler_kwargs: {num_cycles: 2}")
    #expect(restarts[2] == 1 && restarts[6] == 1 && restarts[4] == 0.5 && restarts[10] == 0)
    let polynomial = try rates("lr_scheduler_type: polynomial, lr_scheduler_kwargs: {power: 2, lr_end: 0.2}")
    #expect(abs(polynomial[6] - 0.4) < 1e-12 && polynomial[10] == 0.2)
    let root = try rates("lr_scheduler_type: inverse_sqrt, lr_scheduler_kwargs: {timescale: 8}")
    #expect(abs(root[10] - 0.5.squareRoot()) < 1e-12)
  }

  @Test func theyAreWrittenAndReadAgain() throws {
    let keys = """
      adapter: lora, use_rslora: true, use_dora: true, lora_dropout: 0.05, loraplus_lr_ratio: 16,
        projector_learning_rate: 1e-4, vision_learning_rate: null, optim: lion_32bit, adam_epsilon: 1e-6,
        lr_scheduler_type: polynomial, lr_scheduler_kwargs: {power: 3}, ema_decay: 0.99,
        gradient_checkpointing: true
      """
    let first = try read(keys)
    #expect(try RunConfiguration(yaml: first.yaml, file: "written").train == first.train)
    #expect(first.hash != (try read("adapter: lora").hash))
  }

  @Test(arguments: [
    ("lora_dropout: 1", "train.lora_dropout: found 1, expected a number from 0 to below 1"),
    ("ema_decay: 1", "train.ema_decay: found 1, expected a number from 0 to below 1"),
    ("gradient_checkpointing: 1", "train.gradient_checkpointing: found 1, expected true or false"),
    ("eval_samples: 2", "train.eval_samples: found 2 without data.pairs"),
    ("eval_max_new_tokens: 0", "train.eval_max_new_tokens: found 0, expected a whole number from 1"),
    ("loraplus_lr_ratio: 0", "train.loraplus_lr_ratio: found 0, expected a number above 0"),
    ("vision_learning_rate: 0", "train.vision_learning_rate: found 0, expected a number above 0, or null"),
    ("projector_learning_rate: a", "train.projector_learning_rate: found \"a\", expected a number above 0"),
    ("optim: adafactor", "train.optim: found \"adafactor\", expected one of adamw_torch, adam, sgd"),
    ("adam_epsilon: 0", "train.adam_epsilon: found 0, expected a number above 0"),
    (
      "lr_scheduler_type: polynomial, learning_rate: 1e-8",
      "train.lr_scheduler_kwargs.lr_end: found 1e-07, expected at most train.learning_rate (1e-08)"
    ),
    (
      "lr_scheduler_kwargs: {num_cylces: 2}",
      "train.lr_scheduler_kwargs.num_cylces: unknown key; did you mean num_cycles?"
    ),
    (
      "sync_ref_model: true",
      "train.sync_ref_model: found true with precompute_ref_log_probs true, expected "
        + "precompute_ref_log_probs false"
    ),
    (
      "sync_ref_model: true, precompute_ref_log_probs: false, adapter: lora",
      "train.sync_ref_model: found true with adapter lora, expected adapter none"
    ),
    (
      "sync_ref_model: true, precompute_ref_log_probs: false, frozen_dtype: bfloat16",
      "train.sync_ref_model: found true with frozen_dtype bfloat16, expected frozen_dtype float32"
    ),
    (
      "sync_ref_model: true, precompute_ref_log_probs: false, loss_type: simpo",
      "train.sync_ref_model: found true with a loss that reads no reference, expected false"
    ),
    ("use_dora: 1", "train.use_dora: found 1, expected true or false"),
  ]) func whatDoesNotFitIsSaid(keys: String, message: String) throws {
    let error = #expect(throws: ConfigurationError.self) { try read(keys) }
    #expect("\(error!)".contains(message), "\(error!)")
  }

  /// Blocks that are computed again change no byte, so that nothing is made again for it; an average does.
  @Test func whatIsTheSameBytesIsTheSameRun() throws {
    let usual = try read("adapter: lora")
    #expect(try read("adapter: lora, gradient_checkpointing: true").hash == usual.hash)
    #expect(try read("adapter: lora, ema_decay: 0.99").hash != usual.hash)
    func plan(_ keys: String, sft: String = "{max_steps: 0}") throws -> RunPlan {
      try RunPlan(
        RunConfiguration(
          yaml: "data: {source: shapes}\nmodel: {path: \(Self.model)}\nsft: \(sft)\ntrain: {\(keys)}\n",
          file: "c.yaml"))
    }
    for keys in ["adapter: lora", "adapter: none, train_vision: true"] {
      let (kept, again) = (try plan(keys), try plan("\(keys), gradient_checkpointing: true"))
      #expect(again.peakBytes < kept.peakBytes)
      #expect(again.trainStepOperations > 1.2 * kept.trainStepOperations)
      #expect(again.trainStepOperations < 1.5 * kept.trainStepOperations)
    }
    let averaged = try plan("adapter: none, ema_decay: 0.9")
    let plain = try plan("adapter: none")
    #expect(averaged.peakBytes - plain.peakBytes == 4 * plain.trainedWeights)
    let (few, all) = (
      try plan("max_steps: 1", sft: "{max_steps: 5, gradient_checkpointing: true}"),
      try plan("max_steps: 1", sft: "{max_steps: 5}")
    )
    #expect(few.peakBytes < all.peakBytes)
  }

  private static let model = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Fixtures/verification/llava_tiny").path

  /// A layer that maps rows of pictures in another way has no lengths of rows.
  @Test(arguments: ["internlm2", "llava"]) func lengthsOfRowsNeedOneWeightForAllRows(family: String) throws {
    let configuration = try RunConfiguration(
      yaml: """
        data: {source: shapes}
        model:
          model_type: \(family)
          vision_config: {image_size: 56, patch_size: 14}
          text_config: {max_position_embeddings: 4096}
        train: {adapter: lora, use_dora: true}
        """, file: "c.yaml")
    let check = RunCheck(configuration, source: try configuration.questionSource())
    let problems = check.resourceProblems().map(\.description).filter { $0.contains("use_dora") }
    #expect(
      problems
        == (family == "llava"
          ? []
          : [
            "c.yaml:6: train.use_dora: true with a model that maps rows of pictures with weights of their "
              + "own; expected false"
          ]),
      "\(problems)")
  }

  /// A key without effect is told by `plan` and by a run.
  @Test func whatNothingReadsIsSaid() throws {
    let configuration = try RunConfiguration(
      yaml: """
        data: {source: shapes}
        train:
          {use_dora: true, lora_dropout: 0.1, projector_learning_rate: 1e-3, optim: sgd, adam_beta1: 0.8,
           lr_scheduler_kwargs: {num_cycles: 2}}
        """, file: "c.yaml")
    let check = RunCheck(configuration, source: try configuration.questionSource())
    let remarks = check.remarks().joined(separator: "\n")
    for words in [
      "train.use_dora: has true, which nothing reads while train.adapter is none",
      "train.lora_dropout: has 0.1",
      "train.adam_beta1: has 0.8, which nothing reads while train.optim is sgd",
      "train.lr_scheduler_kwargs.num_cycles: has 2, which nothing reads while train.lr_scheduler_type is "
        + "linear",
      "train.projector_learning_rate: has 0.001, which nothing reads while train.train_projector is false",
    ] {
      #expect(remarks.contains(words), "\(remarks)")
    }
  }
}
