import DPOTrain
import Tensor

extension RunConfiguration {
  /// Keys of a term whose weight is 0, of a rule that is not applied, and so on, that have other values than
  /// their defaults: nothing reads them in this run.
  var idleKeys: [(key: String, reason: String)] {
    let (own, usual) = (values, RunConfiguration().values)
    var idle: [(key: String, isIdle: Bool, while: String)] = [
      ("train.attention_threshold", train.attentionWeight == 0, "train.attention_weight is 0"),
      ("train.attention_layer", train.attentionWeight == 0, "train.attention_weight is 0"),
      ("train.image_corruption", train.imageWeight == 0, "train.image_weight is 0"),
      ("train.ballast_kinds", train.ballastPerStep == 0, "train.ballast_per_step is 0"),
      ("train.ref_model_sync_steps", !train.syncRefModel, "train.sync_ref_model is false"),
      ("train.ref_model_mixup_alpha", !train.syncRefModel, "train.sync_ref_model is false"),
      ("train.projector_learning_rate", !train.trainProjector, "train.train_projector is false"),
      ("train.vision_learning_rate", !train.trainVision, "train.train_vision is false"),
      ("train.eval_max_new_tokens", train.evalSamples == 0, "train.eval_samples is 0"),
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
    let optim = "train.optim is \(train.optim.rawValue)"
    for (key, isIdle) in [
      ("adam_beta1", !train.optim.readsBetas), ("adam_beta2", !train.optim.readsBetas),
      ("adam_epsilon", !train.optim.readsEpsilon),
    ] {
      idle.append(("train.\(key)", isIdle, optim))
    }
    let (schedule, sftSchedule) = (train.lrSchedulerType, sft.lrSchedulerType)
    let readers: [(key: String, kind: LearningRateScheduler)] = [
      ("num_cycles", .cosineWithRestarts), ("power", .polynomial), ("lr_end", .polynomial),
      ("timescale", .inverseSquareRoot),
    ]
    for (key, kind) in readers {
      idle.append(
        (
          "train.lr_scheduler_kwargs.\(key)", schedule != kind,
          "train.lr_scheduler_type is \(schedule.rawValue)"
        ))
    }
    idle.append(
      (
        "sft.decay_ratio", !sftSchedule.fallsAtTheEnd,
        "sft.lr_scheduler_type is \(sftSchedule.rawValue)"
      ))
    for key in [
      "lora_r", "lora_alpha", "lora_target", "use_rslora", "use_dora", "lora_dropout", "loraplus_lr_ratio",
    ] {
      idle.append(("train.\(key)", train.adapter != .lora, "train.adapter is \(train.adapter.rawValue)"))
    }
    return idle.compactMap { key, isIdle, reason in
      guard isIdle, let value = own[key], value != usual[key] else { return nil }
      return (key, "has \(value), which nothing reads while \(reason)")
    }
  }
}
