import MultiImageData
import Records

/// Runs on preference pairs that are there already (`data.pairs`): the model of `model.path` is trained on
/// them, and nothing is asked, composed or selected.
extension RunConfiguration {
  /// Whether the pairs come from a file.
  public var hasOwnPairs: Bool { data.pairs != nil }

  /// The stages of the run, in their order.
  public var stages: [Stage] { hasOwnPairs ? [.train, .report] : Stage.allCases }

  /// An override that gives a key a text, whatever characters it has.
  public static func override(_ key: String, text: String) -> String {
    "\(key)=\(ConfigurationValue.text(text).flow)"
  }

  /// The parts that the run consists of.
  var parts: [RunPart] { RunPart.allCases.filter { stages.contains($0.stage) } }

  /// The parts of this run that a part is made from, directly or through others.
  func needs(of part: RunPart) -> Set<RunPart> {
    hasOwnPairs ? part.needs.intersection(parts) : part.needs
  }

  /// Whether adapters are trained on the model of a GGUF file, whose weights stay as they are.
  var trainsGGUF: Bool { hasOwnPairs && model.path?.hasSuffix(".gguf") == true }

  /// Whether what the frozen base says to a pair is computed when the pair's turn comes, not for all pairs
  /// before the first step: the base stays there beside its adapters, so nothing has to be kept for it.
  var asksBaseOnDemand: Bool {
    hasOwnPairs && train.adapter == .lora && !train.trainProjector && !train.trainVision
  }

  /// Sections that say how to come by a model and by pairs.
  static let makingSections = ["sft", "compose", "select", "evaluate"]

  /// Keys that only runs on pairs of one's own read.
  static let ownPairsKeys = [
    "data.pairs_format", "data.eval_pairs", "data.eval_share", "train.eval_steps",
    "train.load_best_model_at_end",
    "train.metric_for_best_model", "train.early_stopping_patience", "train.eval_samples",
    "train.eval_max_new_tokens",
  ]

  /// What contradicts itself in a run on pairs of one's own.
  func checkOwnPairs(_ tree: ConfigurationNode, _ require: (Bool, String, String, String) -> Void) {
    require(
      model.path != nil, "model.path", "nothing with data.pairs", "the model that is trained on these pairs")
    for section in Self.makingSections {
      require(
        tree.value(at: section)?.mapping?.isEmpty ?? true, section, "keys beside data.pairs",
        "none: a run on pairs of one's own has no such stage")
    }
    for key in ["source", "path", "shares", "sizes", "turns", "names", "answers"] {
      require(
        tree.value(at: "data.\(key)") == nil, "data.\(key)", "a value beside data.pairs",
        "none: the pairs are the data")
    }
    require(
      data.evalPairs == nil || data.evalShare == 0, "data.eval_share",
      "\(data.evalShare) beside data.eval_pairs",
      "one of them")
    if trainsGGUF {
      require(
        train.adapter == .lora, "train.adapter", "none with a GGUF file in model.path",
        "lora: the file's weights stay as they are")
      for (key, isTrained) in [
        ("train_vision", train.trainVision), ("train_projector", train.trainProjector),
      ] {
        require(
          !isTrained, "train.\(key)", "true with a GGUF file in model.path",
          "false: the file's weights stay as they are")
      }
    }
    let held = data.evalPairs != nil || data.evalShare > 0
    for (key, isSet) in [
      ("eval_steps", train.evalSteps > 0), ("load_best_model_at_end", train.loadsBestModelAtEnd),
      ("early_stopping_patience", train.earlyStoppingPatience > 0),
      ("eval_samples", train.evalSamples > 0),
    ] {
      require(
        held || !isSet, "train.\(key)", "a value without pairs held out", "data.eval_pairs or data.eval_share"
      )
    }
    for (key, isSet) in [
      ("load_best_model_at_end", train.loadsBestModelAtEnd),
      ("early_stopping_patience", train.earlyStoppingPatience > 0),
    ] where held {
      require(
        train.evalSteps > 0 || !isSet, "train.\(key)", "a value with eval_steps 0",
        "eval_steps of 1 or more, at which models are compared")
    }
    for (key, isSet) in [
      ("attention_weight", train.attentionWeight > 0), ("image_weight", train.imageWeight > 0),
      ("ballast_per_step", train.ballastPerStep > 0), ("single_image_share", train.singleImageShare > 0),
      ("permuted_copies", train.permutedCopies > 0), ("rounds", train.rounds > 1),
    ] {
      require(
        !isSet, "train.\(key)", "a value with data.pairs",
        "its default: it needs prompts that the run composed")
    }
  }

  /// What is left over in a run that makes its own pairs.
  func checkNoOwnPairs(_ require: (Bool, String, String, String) -> Void) {
    let (own, usual) = (values, Self().values)
    for key in Self.ownPairsKeys where own[key] != usual[key] {
      require(false, key, "\(own[key] ?? "a value") without data.pairs", "data.pairs, which it belongs to")
    }
  }
}
