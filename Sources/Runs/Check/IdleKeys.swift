import DPOTrain

extension RunConfiguration {
  /// Keys of a term whose weight is 0, of a rule that is not applied, and so on, that have other values than
  /// their defaults: nothing reads them in this run.
  var idleKeys: [(key: String, reason: String)] {
    let (own, usual) = (values, RunConfiguration().values)
    let idle: [(key: String, isIdle: Bool, while: String)] = [
      ("train.attention_threshold", train.attentionWeight == 0, "train.attention_weight is 0"),
      ("train.attention_layer", train.attentionWeight == 0, "train.attention_weight is 0"),
      ("train.image_corruption", train.imageWeight == 0, "train.image_weight is 0"),
      ("train.ballast_kinds", train.ballastPerStep == 0, "train.ballast_per_step is 0"),
      ("train.lora_r", train.adapter != .lora, "train.adapter is \(train.adapter.rawValue)"),
      ("train.lora_alpha", train.adapter != .lora, "train.adapter is \(train.adapter.rawValue)"),
      ("train.lora_target", train.adapter != .lora, "train.adapter is \(train.adapter.rawValue)"),
      ("model.tiles", model.modelType == .llava, "model.model_type is llava"),
      (
        "model.scale_factor", model.modelType != .smolVLM, "model.model_type is \(model.modelType.rawValue)"
      ),
      ("train.num_train_epochs", train.maxSteps > 0, "train.max_steps is \(train.maxSteps)"),
      (
        "select.threshold_quantile", select.thresholdRule != .quantile,
        "select.threshold_rule is \(select.thresholdRule.rawValue)"
      ),
    ]
    return idle.compactMap { key, isIdle, reason in
      guard isIdle, let value = own[key], value != usual[key] else { return nil }
      return (key, "has \(value), which nothing reads while \(reason)")
    }
  }
}
