import DPOTrain
import Evaluation
import LVLM
import MultiImageData
import Records
import Tensor

extension RunConfiguration {
  /// Longest question with its template, beside the images, that is set aside when image counts are checked.
  private static let textAllowance = 48

  /// Reports values that are possible each by itself but not together.
  func check(_ tree: ConfigurationNode, file: String?, problems: inout ConfigurationProblems) {
    func require(_ holds: Bool, _ key: String, found: String, expected: String) {
      guard !holds else { return }
      let place = tree.value(at: key)?.place ?? file.map { .file($0) } ?? .code
      problems.add(place, key, "found \(found), expected \(expected)")
    }
    checkModel(tree, { require($0, $1, found: $2, expected: $3) })
    checkLoss({ require($0, $1, found: $2, expected: $3) })
    checkSchedules({ require($0, $1, found: $2, expected: $3) })
    guard !hasOwnPairs else {
      checkOwnPairs(tree, { require($0, $1, found: $2, expected: $3) })
      return
    }
    require(
      model.path?.hasSuffix(".gguf") != true, "model.path",
      found: "\"\(model.path ?? "")\" without data.pairs",
      expected: "a model's directory; model.language_model takes a GGUF file")
    checkNoOwnPairs({ require($0, $1, found: $2, expected: $3) })
    checkData({ require($0, $1, found: $2, expected: $3) })
    checkSelection({ require($0, $1, found: $2, expected: $3) })

    require(
      sft.maxSteps > 0 || model.path != nil, "sft.max_steps", found: "0 without model.path",
      expected: "1 or more, or an existing model in model.path")
    require(
      select.rejected != .truncated || data.answers != .words || data.describeShare > 0,
      "select.rejected",
      found: "truncated with data.answers words",
      expected: "answers of more than one word to take the end off")
    let composed = sft.composed
    let sum = composed.sequence.values.reduce(0, +) + composed.grid.values.reduce(0, +) + composed.picInPic
    require(
      sft.maxSteps == 0 || composed.share == 0 || !composed.weights.isEmpty, "sft.composed.share",
      found: "\(composed.share) without a format that has weight", expected: "0, or a weight above 0")
    require(
      sum.isFinite && sum <= 1e12, "sft.composed", found: "weights that add up to \(sum)",
      expected: "at most 1e12 together")
    require(
      sft.maxSteps == 0 || sft.visionPretraining.maxSteps == 0 || sft.visionPretraining.composedShare == 0
        || composed.weights.contains { $0.kind != .sequence },
      "sft.vision_pretraining.composed_share",
      found: "\(sft.visionPretraining.composedShare) without a grid or picture in a picture in sft.composed",
      expected: "0, or one of them with weight and sft.composed.share above 0")
    require(
      sft.stopAccuracy == 0 || sft.evalSteps > 0, "sft.stop_accuracy",
      found: "\(sft.stopAccuracy) with sft.eval_steps 0", expected: "0, or sft.eval_steps of 1 or more")
    require(
      sft.stopAccuracy == 0 || !sft.composed.weights.isEmpty, "sft.stop_accuracy",
      found: "\(sft.stopAccuracy) without a format in sft.composed",
      expected: "0, or a format to be judged by")
    require(
      sft.composed.compare + sft.composed.find <= 1, "sft.composed.find",
      found: "\(sft.composed.find) beside compare \(sft.composed.compare)", expected: "at most 1 together")
    let asksLevels = sft.composed.compare + sft.composed.find > 0
    let levelKey = "sft.composed.\(sft.composed.compare > 0 ? "compare" : "find")"
    require(
      !asksLevels || !sft.composed.levelShares.isEmpty, levelKey,
      found: "a share without sequences and grids in sft.composed",
      expected: "0, or a share of conversations with a sequence or grid to ask about")
    require(
      !asksLevels || sft.composed.questions > 1, levelKey, found: "a share of the questions after the first",
      expected: "0, or sft.composed.questions of 2 or more")
    require(
      train.singleImageShare == 0 || compose.single > 0, "train.single_image_share",
      found: "\(train.singleImageShare) with compose.single 0", expected: "compose.single of 1 or more")
    require(
      train.singleImageShare < 1 || compose.total == 0, "train.single_image_share", found: "1",
      expected: "a share below 1, so that composed pairs are used")
  }

  private typealias Requirement = (Bool, String, String, String) -> Void

  private func checkModel(_ tree: ConfigurationNode, _ require: Requirement) {
    guard model.path == nil else {
      require(
        model.languageModel == nil, "model.language_model", "a language model beside model.path",
        "one of them")
      for key in ["model.vision_config", "model.text_config"] {
        require(
          tree.value(at: key) == nil, key, "a shape beside model.path", "either model.path or a shape")
      }
      return
    }
    require(
      model.languageModel == nil || tree.value(at: "model.text_config") == nil, "model.text_config",
      "a shape beside model.language_model", "the file's own, without this key")
    require(
      sft.trainDecoder || model.languageModel != nil, "sft.train_decoder", "false for a new decoder",
      "a decoder that has been trained: model.language_model or model.path")
    let vision = model.visionConfig
    let text = model.textConfig
    func divides(_ part: Int, _ whole: Int, _ key: String, _ name: String) {
      require(whole % part == 0, key, "\(part)", "a divisor of \(name) (\(whole))")
    }
    divides(vision.patchSize, vision.imageSize, "model.vision_config.patch_size", "image_size")
    divides(
      vision.numAttentionHeads, vision.hiddenSize, "model.vision_config.num_attention_heads", "hidden_size")
    if model.modelType == .smolVLM {
      let side = vision.imageSize / max(vision.patchSize, 1)
      require(
        side % model.scaleFactor == 0, "model.scale_factor", "\(model.scaleFactor)",
        "a divisor of the \(side) patches along a side of a view")
    }
    if model.modelType == .xComposer {
      require(
        vision.imageSize % (2 * vision.patchSize) == 0, "model.vision_config.patch_size",
        "\(vision.patchSize)",
        "half of a divisor of image_size (\(vision.imageSize)): two by two patches are one feature")
    }
    require(
      model.modelType == .llava || model.languageModel == nil, "model.language_model",
      "a language model with model_type \(model.modelType.rawValue)", "model_type llava")
    require(
      model.modelType == .llava || model.visionFeatureLayer == RunConfiguration.Model().visionFeatureLayer,
      "model.vision_feature_layer", "\(model.visionFeatureLayer) with model_type \(model.modelType.rawValue)",
      "no such key, only llava leaves it open")
    let layers = vision.numHiddenLayers
    require(
      (-layers - 1...layers).contains(model.visionFeatureLayer), "model.vision_feature_layer",
      "\(model.visionFeatureLayer)", "\(-layers - 1) to \(layers) with \(layers) layers")
    guard model.languageModel == nil else { return }
    divides(text.numAttentionHeads, text.hiddenSize, "model.text_config.num_attention_heads", "hidden_size")
    divides(
      text.numKeyValueHeads, text.numAttentionHeads, "model.text_config.num_key_value_heads",
      "num_attention_heads")
    if text.hiddenSize % text.numAttentionHeads == 0 {
      require(
        text.hiddenSize / text.numAttentionHeads % 2 == 0, "model.text_config.num_attention_heads",
        "heads of width \(text.hiddenSize / text.numAttentionHeads)",
        "heads of even width, for rotary positions")
    }
    if case .index(let index) = select.layer {
      require(
        index < text.numHiddenLayers, "select.layer", "\(index)",
        "a layer below \(text.numHiddenLayers) (model.text_config.num_hidden_layers)")
    }
    if case .index(let index) = train.attentionLayer {
      require(
        index < text.numHiddenLayers, "train.attention_layer", "\(index)",
        "a layer below \(text.numHiddenLayers) (model.text_config.num_hidden_layers)")
    }
    guard vision.imageSize % vision.patchSize == 0 else { return }
    let images = max(
      ([compose.sequence, compose.compare, compose.find].flatMap(\.entries)).filter { $0.records > 0 }
        .map(\.images).max() ?? 1,
      evaluate.sequenceCounts.max() ?? 1,
      sft.composed.shown.filter { $0.kind == .sequence }.map(\.count).max() ?? 1)
    var shape = model.shape(vocabularySize: tokenizer.vocabSize)
    shape.imageTokenIndex = 0
    // A shape that cannot be is told by its own keys.
    guard (try? shape.validate()) != nil else { return }
    let geometry = model.pictureProcessor(shape).geometry
    let alone = geometry.largest(isAlone: true).usualTokens + Self.textAllowance
    require(
      geometry.fixed != nil || alone <= text.maxPositionEmbeddings,
      "model.text_config.max_position_embeddings",
      "\(text.maxPositionEmbeddings)",
      "at least \(alone): a picture that is alone, as large as model.tiles allows, "
        + "and \(Self.textAllowance) of text"
    )
    let tokens = geometry.largest(isAlone: images == 1).usualTokens
    let needed = images * tokens + Self.textAllowance
    require(
      needed <= text.maxPositionEmbeddings, "model.text_config.max_position_embeddings",
      "\(text.maxPositionEmbeddings)",
      "at least \(needed): \(images) images of \(tokens) tokens and \(Self.textAllowance) of text"
    )
  }

  private func checkData(_ require: Requirement) {
    require(
      data.source != .llava || data.path != nil, "data.path", "nothing",
      "a JSON or JSONL file, which source llava reads")
    require(
      (data.source != .shapes && data.source != .mixture) || data.path == nil, "data.path",
      "\"\(data.path ?? "")\"",
      data.source == .shapes
        ? "no path, source shapes reads no files" : "no path, a mixture reads what Debian installs")
    require(
      data.source == .emoji || data.names == nil, "data.names", "\"\(data.names ?? "")\"",
      "no names, only source emoji reads them")
    require(
      (data.source == .mixture) == !data.shares.parts.isEmpty, "data.shares",
      data.shares.parts.isEmpty ? "no share above 0" : "shares with source \(data.source.rawValue)",
      data.source == .mixture ? "the sources of the mixture with their shares" : "source: mixture")
    require(
      data.source != .llava || data.answers == nil, "data.answers", data.answers?.rawValue ?? "",
      "no answers, source llava has those of its file")
    require(
      data.source != .llava || evaluate.grader != .semantic, "evaluate.grader", "semantic with source llava",
      "auto or text: source llava has no grader, its answers can only be compared as text")
    require(
      data.source == .llava || data.turns == .all, "data.turns", data.turns.rawValue,
      "all, the sources beside llava have single questions")
    require(
      data.source == .llava || data.imageRoot == nil, "data.image_root", "\"\(data.imageRoot ?? "")\"",
      "no image_root, only source llava reads one")
    require(
      data.source != .fashion || data.sizes.sft <= 40_000, "data.sizes.sft", "\(data.sizes.sft)",
      "at most 40000, the size of the split of source fashion")
    require(
      data.source != .fashion || data.sizes.pref <= 12_000, "data.sizes.pref", "\(data.sizes.pref)",
      "at most 12000, the size of the split of source fashion")
    require(
      data.source != .fashion || data.sizes.val <= 4_000, "data.sizes.val", "\(data.sizes.val)",
      "at most 4000, the size of the split of source fashion")
    require(
      data.source != .fashion || data.sizes.test <= 10_000, "data.sizes.test", "\(data.sizes.test)",
      "at most 10000, the size of the split of source fashion")
    require(
      data.sizes.sft > 0 || sft.maxSteps == 0, "data.sizes.sft", "0 with sft.max_steps \(sft.maxSteps)",
      "1 or more")
  }

  private func checkLoss(_ require: Requirement) {
    require(
      train.preferenceWeight > 0 || train.gamma > 0, "train.preference_weight", "0 with gamma 0",
      "a number above 0 for one of them")
    require(
      train.attentionWeight == 0 || select.heads == .mean, "train.attention_weight",
      "\(train.attentionWeight) with select.heads \(select.heads.rawValue)",
      "0, or select.heads mean: what a maximum over heads sums to is no share of the attention")
    require(
      train.imageWeight == 0 || train.ldAlpha == 1, "train.image_weight",
      "\(train.imageWeight) with ld_alpha \(train.ldAlpha)",
      "0, or ld_alpha 1: the image term compares an answer with itself")
    let losses = train.lossType.compactMap { name in PreferenceLoss.registry.first { $0.name == name } }
    guard losses.count == train.lossType.count, !losses.isEmpty else { return }
    require(
      train.lossWeights.isEmpty || train.lossWeights.count == losses.count, "train.loss_weights",
      "\(train.lossWeights.count) weights", "\(losses.count), one for each loss of loss_type, or null")
    let names = train.lossType.joined(separator: " and ")
    do {
      // Its own row has told what is wrong with β.
      if train.beta > 0, train.beta.isFinite { try PreferenceLoss.validate(train.lossOptions, of: losses) }
    } catch LossError.unreadOption(let option, _, let readers) {
      require(
        false, "train.\(option.rawValue)", "a value that loss_type \(names) does not read",
        "its default, or what reads it: \(readers.joined(separator: ", "))")
    } catch LossError.invalidOption(let option, let loss, let found, let expected) {
      require(false, "train.\(option)", "\(found) with loss_type \(loss)", expected)
    } catch {
      require(false, "train.loss_type", "\(error)", "a loss and options that fit")
    }
    checkMovingReference(require)
    guard let whole = losses.first(where: { !$0.isPerPair }) ?? losses.first(where: \.isLikelihood) else {
      return
    }
    require(
      !train.useWeighting, "train.use_weighting", "true with loss_type \(whole.name)",
      "false: this loss has no value for a single pair")
    require(
      whole.isPerPair || train.gradientAccumulationSteps == 1, "train.gradient_accumulation_steps",
      "\(train.gradientAccumulationSteps) with loss_type \(whole.name)",
      "1: this loss compares all pairs of a step with each other")
  }

  private func checkMovingReference(_ require: Requirement) {
    guard train.syncRefModel else { return }
    let key = "train.sync_ref_model"
    require(
      !train.precomputeRefLogProbs, key, "true with precompute_ref_log_probs true",
      "precompute_ref_log_probs false: what is computed once cannot follow")
    require(
      train.adapter == .none, key, "true with adapter \(train.adapter.rawValue)",
      "adapter none: with adapters the reference is the model without them")
    require(
      train.frozenDtype == .float32, key, "true with frozen_dtype \(train.frozenDtype.rawValue)",
      "frozen_dtype float32: small moves would be rounded away")
    require(
      (try? train.objectiveTerms().needsReference) ?? true, key, "true with a loss that reads no reference",
      "false")
  }

  private func checkSchedules(_ require: Requirement) {
    require(
      train.lrSchedulerType != .polynomial || train.lrSchedulerKwargs.lrEnd <= train.learningRate,
      "train.lr_scheduler_kwargs.lr_end", "\(train.lrSchedulerKwargs.lrEnd)",
      "at most train.learning_rate (\(train.learningRate))")
    require(
      sft.maxSteps == 0 || sft.lrSchedulerType != .polynomial || sft.learningRate >= 1e-7,
      "sft.learning_rate", "\(sft.learningRate) with lr_scheduler_type polynomial",
      "at least 1e-7, the rate that it ends at")
    require(
      sft.maxSteps == 0 || sft.stopAccuracy == 0 || sft.lrSchedulerType.fallsAtTheEnd, "sft.stop_accuracy",
      "\(sft.stopAccuracy) with lr_scheduler_type \(sft.lrSchedulerType.rawValue)",
      "0, or a schedule whose fall can be brought forward")
  }

  private func checkSelection(_ require: Requirement) {
    require(compose.total > 0, "compose", "no records at all", "records of at least one format")
    let mixes =
      [("sequence", CompositionKind.sequence, compose.sequence), ("grid", .grid, compose.grid)]
      + compose.levels.map { ($0.key, $0.kind, $0.mix) }
    for (key, kind, mix) in mixes {
      let table = kind == .grid ? select.thresholds.grid : select.thresholds.sequence
      let missing = mix.entries.filter { $0.records > 0 && table[$0.images] == nil }.map(\.images)
      require(
        missing.isEmpty, "select.thresholds.\(kind.rawValue)", "no threshold for \(missing.words) images",
        "one for every number of images of compose.\(key)")
    }
    require(
      select.formats.contains { $0 != "single" } || compose.single > 0, "select.formats",
      "single with compose.single 0", "compose.single of 1 or more")
    require(
      compose.path != nil || Set(select.levels) == Set(RunConfiguration.Select.levelNames)
        || compose.kinds.contains(where: select.accepts), "select.levels",
      select.levels.joined(separator: ", ") + ", of which compose makes no prompt in select.formats",
      "a level that compose.sequence, compose.compare, compose.find and so on make prompts of")
    require(
      select.rejected != .truncated || select.levels != [PromptLevel.compare.name], "select.rejected",
      "truncated with select.levels compare alone",
      "another rejected answer: the first half of a comparison still says yes or no")
    for (key, low, high) in [
      ("perplexity", select.perplexityMin, select.perplexityMax),
      ("length_ratio", select.lengthRatioMin, select.lengthRatioMax),
    ] where high > 0 {
      require(low < high, "select.\(key)_max", "\(high)", "more than \(key)_min (\(low)), or 0 for no bound")
    }
  }
}

extension RunConfiguration.Compose {
  /// Composed records of all formats, without single-image ones.
  public var total: Int {
    levels.reduce(sequence.total + grid.total + picInPic.total) { $0 + $1.mix.total }
  }
}
