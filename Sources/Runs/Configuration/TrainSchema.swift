import DPOTrain
import Records
import Tensor

extension RunConfiguration.Train: ConfigurationSection {
  /// The losses that read an option, by name.
  private static func readers(of option: LossOption) -> String {
    PreferenceLoss.registry.filter { $0.reads.contains(option) }.map { "`\($0.name)`" }
      .joined(separator: ", ")
  }

  static var fields: [ConfigurationField<Self>] {
    [
      .number("beta", \.beta, .positive, "Scale β of the implicit reward."),
      .nameOrNames(
        "loss_type", \.lossType, from: lossTypes,
        "Name of the loss; `sigmoid` is DPO's. Of a list the weighted sum (`loss_weights`) is the preference "
          + "loss. `sft` is the NLL of the chosen answers beside the one that `gamma` weighs; CPO is "
          + "`[cpo, sft]`, ORPO `[orpo, sft]`, each with `gamma: 0`."),
      .weightList(
        "loss_weights", \.lossWeights,
        "Weight of each loss of a list in `loss_type`; `null` weighs each with 1."),
      .number(
        "preference_weight", \.preferenceWeight, .notNegative,
        "Weight of the preference loss; 0 leaves the NLL term alone, as a control."),
      .number(
        "label_smoothing", \.labelSmoothing, .belowHalf,
        "Probability that a preference is the wrong way round."),
      .choice(
        "f_divergence_type", \.fDivergenceType,
        "Divergence between policy and reference; \(readers(of: .divergence)) read it."),
      .number(
        "f_alpha_divergence_coef", \.fAlphaDivergenceCoef, .positive,
        "α of `f_divergence_type: alpha_divergence`, below 1."),
      .number(
        "discopop_tau", \.discopopTau, .positive, "Temperature τ of `loss_type: discopop`."),
      .number("dpop_lambda", \.dpopLambda, .notNegative, "Weight λ of the penalty of `loss_type: dpop`."),
      .number("simpo_gamma", \.simpoGamma, .notNegative, "Target margin γ of `loss_type: simpo`."),
      .number(
        "ld_alpha", \.ldAlpha, .share,
        "Weight of the tokens of the longer answer beyond the length of the shorter one (LD-DPO); 1 weighs "
          + "all alike."
      ),
      .flag(
        "use_weighting", \.useWeighting,
        "Whether the preference loss of a pair is weighed by how likely its answers are under the policy "
          + "(WPO)."
      ),
      .number("gamma", \.gamma, .notNegative, "Weight γ of the NLL term on the chosen answers."),
      .number(
        "anchor_weight", \.anchorWeight, .notNegative,
        "Weight of mDPO's anchor, −log σ(β log π/π_ref) of the chosen answers, which keeps them from "
          + "becoming less likely; 0 is none."
      ),
      .number(
        "image_weight", \.imageWeight, .notNegative,
        "Weight of mDPO's image-conditional term: −log σ(β log π/π_ref of the chosen answer after its "
          + "pictures − β log π/π_ref of it after corrupted ones); 0 is none, mDPO has 1."
      ),
      .choice(
        "image_corruption", \.imageCorruption,
        "What `image_weight` does to the picture that is asked about, by seed and pair: `crop` leaves a "
          + "random rectangle of at most a fifth of its area (mDPO), `swap` exchanges it with another "
          + "picture of the prompt (and crops it where there is none: grids, pictures in pictures, single "
          + "images), `noise` lays Gaussian noise of 128 8-bit steps over it."
      ),
      .number(
        "attention_weight", \.attentionWeight, .notNegative,
        "Weight λ of a penalty λ · max(0, `attention_threshold` − R) on chosen answers, R being the "
          + "attention ratio by which selection judges, with a gradient: the mean over heads and over the "
          + "rows of `select.queries`; 0 is none, AA-DPO has 0.9."
      ),
      .number(
        "attention_threshold", \.attentionThreshold, .share,
        "Attention ratio from which on `attention_weight` penalises nothing."),
      .optionalLayer(
        "attention_layer", \.attentionLayer,
        "Decoder layer that `attention_weight` reads; `null` takes the one that selection read, with "
          + "`select.layer: auto` the one it found."),
      .choice(
        "nll_reduction", \.nllReduction,
        "NLL as the mean over answer tokens (released code) or their sum per pair (the paper's equation 5)."),
      .number(
        "num_train_epochs", \.numTrainEpochs, .epochs, "Passes over the pairs, when `max_steps` is 0."),
      .integer("max_steps", \.maxSteps, "Optimizer steps; 0 takes `num_train_epochs`."),
      .integer(
        "per_device_train_batch_size", \.perDeviceTrainBatchSize, from: 1, to: 1_000_000,
        "Pairs per micro-batch."),
      .integer(
        "gradient_accumulation_steps", \.gradientAccumulationSteps, from: 1, to: 1_000_000,
        "Micro-batches per optimizer step."),
      .number("learning_rate", \.learningRate, .positive, "Peak learning rate."),
      .optionalNumber(
        "projector_learning_rate", \.projectorLearningRate, .positive,
        "Peak learning rate of the projector, with `train_projector`; `null` is `learning_rate`."),
      .optionalNumber(
        "vision_learning_rate", \.visionLearningRate, .positive,
        "Peak learning rate of the vision tower, with `train_vision`; `null` is `learning_rate`."),
      .choice("lr_scheduler_type", \.lrSchedulerType, "Schedule after the warm-up."),
      .section("lr_scheduler_kwargs", \.lrSchedulerKwargs),
      .number(
        "warmup_ratio", \.warmupRatio, .share, "Share of the steps in which the learning rate rises from 0."),
      .choice("optim", \.optim, "Optimizer, by its name in Hugging Face's `TrainingArguments`."),
      .number(
        "weight_decay", \.weightDecay, .notNegative,
        "Weight decay of matrices: decoupled in `adamw_torch` and `lion_32bit`, added to the gradient "
          + "elsewhere."
      ),
      .number(
        "max_grad_norm", \.maxGradNorm, .notNegative, "Gradients are scaled down to this norm; 0 is off."),
      .number(
        "adam_beta1", \.adamBeta1, .belowOne, "Decay of the first moment in Adam, AdamW and Lion."),
      .number(
        "adam_beta2", \.adamBeta2, .belowOne,
        "Decay of the second moment in Adam and AdamW, of the momentum in Lion."),
      .number(
        "adam_epsilon", \.adamEpsilon, .positive,
        "What Adam and AdamW add to the root of the second moment."),
      .number(
        "ema_decay", \.emaDecay, .belowOne,
        "Decay d of an exponential moving average of the weights that are trained, ŵ ← d ŵ + (1 − d) w after "
          + "each step, d growing as n / (9 + n) up to it; looks at pairs held out see the average, and it "
          + "is the model that is written. 0 is none; the checkpoints have the weights themselves too."),
      .flag(
        "gradient_checkpointing", \.gradientCheckpointing,
        "Whether blocks of the decoder, and of a vision tower that is trained, keep their inputs alone for "
          + "the backward pass and are computed again in it: the same bytes, less memory, about a third more "
          + "time.", affectsResults: false),
      .flag(
        "bf16", \.bf16,
        "Whether large products round to bfloat16 before they multiply and sum in Float32, forward and "
          + "backward, reference included; weights, gradients and everything else stay Float32. Needs "
          + "AVX512-BF16 or AMX, else it is said and done without."),
      .choice("adapter", \.adapter, "LoRA adapters on the decoder's linears, or all decoder weights."),
      .choice(
        "frozen_dtype", \.frozenDtype,
        "How matrices that are not trained are stored; `bfloat16` halves their memory, computing is done in "
          + "Float32."
      ),
      .integer("lora_r", \.loraR, from: 1, to: 131_072, "Rank of the adapters, with `adapter: lora`."),
      .number("lora_alpha", \.loraAlpha, .positive, "Scale α of the adapters: the update is α / r · B · A."),
      .names("lora_target", \.loraTarget, from: loraTargets, "Decoder linears that carry an adapter."),
      .flag(
        "use_rslora", \.useRSLoRA,
        "Whether the update of adapters is α / √r · B · A (rsLoRA) in place of α / r."),
      .flag(
        "use_dora", \.useDoRA,
        "Whether adapters learn the lengths of the rows of their matrices for themselves (DoRA); not for "
          + "`internlm2`, which maps rows of pictures with weights of their own."
      ),
      .number(
        "lora_dropout", \.loraDropout, .belowOne,
        "How likely an element of an adapter's input is dropped in a training step, by `run.seed`, step, "
          + "micro-batch and layer; looks at pairs held out and the reference drop nothing."),
      .number(
        "loraplus_lr_ratio", \.loraPlusRatio, .positive,
        "Learning rate of B of the adapters over that of A (LoRA+, which has 16); 1 is the same."),
      .flag("train_projector", \.trainProjector, "Whether the projector is trained too."),
      .flag("train_vision", \.trainVision, "Whether the vision tower is trained too."),
      .number(
        "single_image_share", \.singleImageShare, .share,
        "Share of single-image pairs in a step, as ballast against forgetting."),
      .integer(
        "permuted_copies", \.permutedCopies, to: 100,
        "Copies beside every pair of a sequence whose prompt names one picture, and nothing else of it names "
          + "one by number: each with the pictures in another order and the number in the prompt changed, at "
          + "most as many as there are other orders; 0 is none."
      ),
      .integer(
        "ballast_per_step", \.ballastPerStep, to: 1_000_000,
        "Prompts the base model answered right, beside the pairs of a step: they take part in the NLL term "
          + "alone."
      ),
      .names(
        "ballast_kinds", \.ballastKinds, from: ballastKindNames, "Kinds of prompts the ballast is drawn from."
      ),
      .flag(
        "precompute_ref_log_probs", \.precomputeRefLogProbs,
        "Whether reference log-probabilities are computed once and cached."),
      .flag(
        "sync_ref_model", \.syncRefModel,
        "Whether the reference follows the model that is trained (TR-DPO), with `adapter: none` and "
          + "`precompute_ref_log_probs: false`; pairs held out are compared with the reference of the "
          + "start."),
      .integer(
        "ref_model_sync_steps", \.refModelSyncSteps, from: 1,
        "Steps between two moves of the reference, with `sync_ref_model`."),
      .number(
        "ref_model_mixup_alpha", \.refModelMixupAlpha, .share,
        "α of a move, π_ref ← α π + (1 − α) π_ref, with `sync_ref_model`; 0 never moves."),
      .flag(
        "shares_prefix", \.sharesPrefix,
        "Whether chosen and rejected share one pass over images and prompt."),
      .integer(
        "rounds", \.rounds, from: 1, to: 20,
        "How often the model answers, its answers are selected and it is trained on them: each round starts "
          + "from the model of the one before, which is its reference too, and asks about the same pictures "
          + "in other company (with `compose.path` the same prompts)."
      ).read(by: .compose, .answers, .select, .train),
      .integer(
        "eval_steps", \.evalSteps,
        "Steps between two looks at the pairs held out (`data.eval_pairs`, `data.eval_share`); 0 looks at "
          + "the end alone."
      ),
      .flag(
        "load_best_model_at_end", \.loadsBestModelAtEnd,
        "Whether the weights of the best look are taken at the end instead of the last ones."),
      .choice(
        "metric_for_best_model", \.metricForBestModel,
        "By which figure of the pairs held out looks are compared: the lowest loss, the highest reward "
          + "accuracy or margin."
      ),
      .integer(
        "early_stopping_patience", \.earlyStoppingPatience, to: 1_000_000,
        "Looks in a row without a better one after which training ends; 0 never ends early."),
      .integer(
        "eval_samples", \.evalSamples, to: 1000,
        "Prompts held out, the first ones, that the model answers greedily before training and at every look "
          + "(TRL's `generate_during_eval`): `train/held_out_answers.jsonl`, the report and `watch` have the "
          + "answers. 0 is none."),
      .integer(
        "eval_max_new_tokens", \.evalMaxNewTokens, from: 1, to: 1_000_000,
        "Longest of these answers, tokens; they end where the context does."),
      .integer(
        "logging_steps", \.loggingSteps, from: 1,
        "Steps between two lines of metrics. `logits/*`, `entropy` and `mean_token_accuracy` are those of "
          + "the step of the line, because they take one more product with the head; all others are means "
          + "over the steps since the line before."),
      .integer("save_steps", \.saveSteps, from: 1, "Steps between two checkpoints.", affectsResults: false),
      .integer(
        "save_total_limit", \.saveTotalLimit, "Checkpoints that are kept; 0 keeps all.", affectsResults: false
      ),
    ]
  }
}

extension RunConfiguration.Train.SchedulerOptions: ConfigurationSection {
  static var fields: [ConfigurationField<Self>] {
    [
      .integer(
        "num_cycles", \.numCycles, from: 1, to: 1_000_000, "How often `cosine_with_restarts` falls."),
      .number("power", \.power, .positive, "Exponent of `polynomial`."),
      .number(
        "lr_end", \.lrEnd, .notNegative,
        "Learning rate that `polynomial` ends at, at most `learning_rate`."),
      .integer(
        "timescale", \.timescale,
        "Steps over which `inverse_sqrt` falls; 0 takes the warm-up, or 10,000 without one."),
    ]
  }
}
