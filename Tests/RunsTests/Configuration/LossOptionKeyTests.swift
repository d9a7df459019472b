import DPOTrain
import Runs
import TestSupport
import Testing

/// Every option of every loss can be set by a key of `train`, and is refused where the loss does not read it.
@Suite struct LossOptionKeyTests {
  /// A value that is not the default, as YAML, and what it makes of the options.
  private static let values: [LossOption: (yaml: String, read: @Sendable (LossOptions) -> Bool)] = [
    .labelSmoothing: ("label_smoothing: 0.1", { $0.labelSmoothing == 0.1 }),
    .divergence: ("f_divergence_type: js_divergence", { $0.divergence == .jensenShannon }),
    .alphaDivergenceCoefficient: (
      "f_divergence_type: alpha_divergence\n  f_alpha_divergence_coef: 0.3",
      { $0.alphaDivergenceCoefficient == 0.3 && $0.divergence == .alpha }
    ),
    .discopopTau: ("discopop_tau: 0.2", { $0.discopopTau == 0.2 }),
    .dpopLambda: ("dpop_lambda: 5", { $0.dpopLambda == 5 }),
    .simpoGamma: ("simpo_gamma: 1.5", { $0.simpoGamma == 1.5 }),
  ]

  private func configuration(_ loss: PreferenceLoss, _ lines: [String]) throws -> RunConfiguration {
    // exo_pair has no value without smoothing.
    let needed = loss.name == "exo_pair" && !lines.contains { $0.hasPrefix("label_smoothing") }
    let all = ["loss_type: \(loss.name)"] + lines + (needed ? ["label_smoothing: 0.01"] : [])
    return try RunConfiguration(
      yaml: "train:\n" + all.map { "  \($0)\n" }.joined(), file: "c.yaml")
  }

  @Test(arguments: PreferenceLoss.registry.map(\.name)) func everyOptionArrivesOrIsRefused(name: String)
    throws
  {
    let loss = try PreferenceLoss.named(name)
    #expect(try configuration(loss, []).train.lossType == [name])
    for option in LossOption.allCases {
      let value = try #require(Self.values[option])
      if loss.reads.contains(option) {
        let read = try configuration(loss, [value.yaml]).train.lossOptions
        #expect(value.read(read), "\(name) with \(value.yaml)")
      } else {
        let error = try #require(throws: ConfigurationError.self) { try configuration(loss, [value.yaml]) }
        // α belongs to a divergence, which is then the option that nobody reads.
        #expect("\(error)".contains("with loss_type") || "\(error)".contains("does not read"), "\(error)")
      }
    }
  }

  @Test func severalLossesAreAddedUp() throws {
    func train(_ keys: String) throws -> RunConfiguration.Train {
      try RunConfiguration(yaml: "train: {\(keys)}\n", file: "c.yaml").train
    }
    let mixed = try train("loss_type: [sigmoid, bco_pair, dpop], loss_weights: [0.8, 0.2, 0], dpop_lambda: 5")
    #expect(mixed.lossType == ["sigmoid", "bco_pair", "dpop"] && mixed.lossWeights == [0.8, 0.2, 0])
    #expect(mixed.lossOptions.dpopLambda == 5)
    let even = try train("loss_type: [hinge, sigmoid]")
    #expect(even.lossWeights.isEmpty && even.lossType == ["hinge", "sigmoid"])
    // A list of one is its name, so that no run is made again for it.
    let (one, list) = (
      try RunConfiguration(yaml: "train: {loss_type: ipo}", file: "c"),
      try RunConfiguration(yaml: "train: {loss_type: [ipo], loss_weights: null}", file: "c")
    )
    #expect(one.hash == list.hash && one.values["train.loss_type"] == "ipo")
    var written = RunConfiguration()
    written.train = mixed
    #expect(try RunConfiguration(yaml: written.yaml, file: "written").train == mixed)
  }

  @Test(arguments: [
    ("loss_type: [sigmoid, sigmoid]", "train.loss_type: found a list of 2, expected one of sigmoid"),
    ("loss_type: []", "train.loss_type: found an empty list, expected one of sigmoid"),
    ("loss_type: [sigmoid, kto]", "train.loss_type: found a list of 2, expected one of sigmoid"),
    (
      "loss_type: [sigmoid, kto_pair], gradient_accumulation_steps: 2",
      "train.gradient_accumulation_steps: found 2 with loss_type kto_pair, expected 1"
    ),
    (
      "loss_type: [sigmoid, sft], use_weighting: true",
      "train.use_weighting: found true with loss_type sft, expected false"
    ),
    (
      "loss_type: [sigmoid, hinge], loss_weights: [1]",
      "train.loss_weights: found 1 weights, expected 2, one for each loss of loss_type, or null"
    ),
    ("loss_weights: [0]", "train.loss_weights: found a list of 1, expected a list of weights"),
    ("loss_weights: [1, -1]", "train.loss_weights: found a list of 2, expected a list of weights"),
    ("loss_weights: 1", "train.loss_weights: found 1, expected a list of weights"),
    (
      "loss_type: [hinge, ipo], simpo_gamma: 1",
      "train.simpo_gamma: found a value that loss_type hinge and ipo does not read"
    ),
    (
      "loss_type: [sigmoid, aot], gradient_accumulation_steps: 2",
      "train.gradient_accumulation_steps: found 2 with loss_type aot, expected 1"
    ),
    (
      "loss_type: [aot, sigmoid], use_weighting: true",
      "train.use_weighting: found true with loss_type aot, expected false"
    ),
    (
      "loss_type: [sigmoid, exo_pair]",
      "train.label_smoothing: found 0.0 with loss_type exo_pair, expected above"
    ),
  ]) func whatDoesNotFitAListIsSaid(keys: String, message: String) throws {
    let error = #expect(throws: ConfigurationError.self) {
      try RunConfiguration(yaml: "train: {\(keys)}\n", file: "c.yaml")
    }
    #expect("\(error!)".contains(message), "\(error!)")
  }

  @Test func keysSurviveWritingAndReading() throws {
    for loss in PreferenceLoss.registry {
      for option in LossOption.allCases where loss.reads.contains(option) {
        let first = try configuration(loss, [Self.values[option]!.yaml])
        #expect(try RunConfiguration(yaml: first.yaml, file: "written").train == first.train)
      }
    }
  }

  @Test(arguments: [
    (
      "loss_type: dpop, simpo_gamma: 1",
      "c.yaml:1: train.simpo_gamma: found a value that loss_type dpop does not read, expected its default, or "
        + "what reads it: simpo"
    ),
    (
      "f_alpha_divergence_coef: 0.3",
      "c.yaml:1: train.f_alpha_divergence_coef: found a value that loss_type sigmoid does not read, expected its "
        + "default, or what reads it: f_divergence_type alpha_divergence"
    ),
    (
      "f_divergence_type: alpha_divergence, f_alpha_divergence_coef: 2",
      "c.yaml:1: train.f_alpha_divergence_coef: found 2.0 with loss_type sigmoid, expected a number between 0 and 1"
    ),
    (
      "loss_type: exo_pair",
      "c.yaml: train.label_smoothing: found 0.0 with loss_type exo_pair, expected above 0 and below 0.5 (for "
        + "example 0.001)"
    ),
  ]) func whatDoesNotFitIsSaid(keys: String, message: String) throws {
    let error = #expect(throws: ConfigurationError.self) {
      try RunConfiguration(yaml: "train: {\(keys)}\n", file: "c.yaml")
    }
    #expect("\(error!)" == message)
  }
}
