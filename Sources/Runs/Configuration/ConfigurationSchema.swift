import DPOTrain
import Evaluation
import MultiImageData
import Records

extension RunConfiguration: ConfigurationSection {
  static var fields: [ConfigurationField<RunConfiguration>] {
    [
      .section("run", \.run), .section("model", \.model),
      .section("tokenizer", \.tokenizer), .section("data", \.data), .section("sft", \.sft),
      .section("compose", \.compose), .section("select", \.select), .section("train", \.train),
      .section("evaluate", \.evaluate), .section("report", \.report),
    ]
  }
}

extension RunConfiguration.Run: ConfigurationSection {
  static var fields: [ConfigurationField<Self>] {
    [
      .text(
        "name", \.name, expected: "a name of letters, digits, dots, dashes and underscores",
        "Name of the run; by default the configuration file's name without its extension.",
        affectsResults: false,
        where: { name in
          !name.isEmpty && name.first != "."
            && name.allSatisfy { $0.isLetter || $0.isNumber || "._-".contains($0) }
        }),
      .text(
        "output_dir", \.outputDirectory, expected: "a path",
        "Directory of the run's files; by default `runs/<name>`.", affectsResults: false),
      .value(
        "seed", \.seed, expected: "a whole number, 0 or more", "Seed of every random choice.",
        parse: { $0.text.flatMap { UInt64($0) } }, write: { .scalar(String($0)) }),
      .integer(
        "threads", \.threads, to: 1024, "Number of threads; 0 takes one per core.", affectsResults: false),
      .choice(
        "on_bad_record", \.onBadRecord,
        "What every stage does with a record that cannot be used: stop, or leave it out and list it in `omissions.txt`.",
        affectsResults: false),
      .integer(
        "feature_cache_mib", \.featureCacheMiB, to: 1 << 24,
        "MiB of memory for image features that are computed once; 0 takes an eighth of the machine's, at least 448. Pictures beyond it are computed at every use, whose last bits can differ.",
        affectsResults: false),
      .integer(
        "picture_cache_mib", \.pictureCacheMiB, to: 1 << 24,
        "MiB of memory for pictures in the size of the vision tower; those beyond it are read at every use.",
        affectsResults: false),
    ]
  }
}

extension RunConfiguration.Tokenizer: ConfigurationSection {
  static var fields: [ConfigurationField<Self>] {
    [
      .integer(
        "vocab_size", \.vocabSize, from: 300, to: 1_000_000,
        "Pieces of the SentencePiece vocabulary trained on the run's own texts; 259 are control tokens and bytes. Not used with `model.language_model`."
      ),
      .optionalChoice(
        "template", \.template,
        "How a question is wrapped before the answer; `null` takes the chat template of `model.path` or `model.language_model`, and `plain` for a new model. Kept with every model that is written."
      ),
    ]
  }
}

extension RunConfiguration.Data: ConfigurationSection {
  static var fields: [ConfigurationField<Self>] {
    [
      .choice(
        "source", \.source,
        "Procedural shape scenes, Debian's Fashion-MNIST, emoji of a colour font, Tux Paint's stamps, several of these, or LLaVA-style conversations with pictures on disk."
      ),
      .optionalPath(
        "path", \.path,
        "Directory of the IDX files (`fashion`) or of the `stamps`, font of the `emoji`, or the JSON or JSONL file (`llava`); by default where Debian installs them."
      ),
      .optionalPath(
        "image_root", \.imageRoot,
        "Directory that picture paths of `llava` are relative to; by default the JSON file's."),
      .choice(
        "turns", \.turns,
        "Which turns of `llava` conversations `sft` learns; composed prompts ask the first question of a record, as MIA-DPO does."
      ),
      .optionalPath(
        "names", \.names, "File of the names of `emoji`; by default the emoji-test.txt that Debian installs."),
      .optionalChoice(
        "answers", \.answers,
        "How the sources word their answers: in sentences, several wordings for each question, or in as "
          + "few words as there are; `null` is sentences. `llava` has the answers of its file."
      ),
      .number(
        "describe_share", \.describeShare, .share,
        "Share of the questions that ask for several attributes at once (what is in the picture?), of "
          + "every source beside `llava`; the rest is as without them."
      ),
      .section("shares", \.shares),
      .section("sizes", \.sizes),
      .number(
        "yes_no_share", \.yesNoShare, .share,
        "Share of yes/no questions of `shapes`; the rest ask for colour and shape, half each."),
      .flag("negations", \.negations, "Whether yes/no questions of `shapes` are also asked in the negative."),
    ]
  }
}

extension RunConfiguration.Data.Shares: ConfigurationSection {
  static var fields: [ConfigurationField<Self>] {
    [
      .number("shapes", \.shapes, .notNegative, "Share of `shapes` in a `mixture`."),
      .number("fashion", \.fashion, .notNegative, "Share of `fashion` in a `mixture`."),
      .number("emoji", \.emoji, .notNegative, "Share of `emoji` in a `mixture`."),
      .number("stamps", \.stamps, .notNegative, "Share of `stamps` in a `mixture`."),
    ]
  }
}

extension RunConfiguration.Data.Sizes: ConfigurationSection {
  static var fields: [ConfigurationField<Self>] {
    [
      .integer("sft", \.sft, from: 0, "Records for supervised training."),
      .integer("pref", \.pref, from: 1, "Records from which multi-image prompts are made."),
      .integer("val", \.val, from: 1, "Records for choices such as thresholds."),
      .integer("test", \.test, from: 1, "Records for the final figures."),
    ]
  }
}

extension RunConfiguration.SFT: ConfigurationSection {
  static let renamed = [
    "two_image_share": "sft.composed.share", "two_image_start": "sft.composed.start",
    "questions_per_pair": "sft.composed.questions",
  ]

  static var fields: [ConfigurationField<Self>] {
    [
      .section("vision_pretraining", \.visionPretraining),
      .integer(
        "max_steps", \.maxSteps, "Optimizer steps; 0 leaves the stage out and starts from `model.path`."),
      .flag(
        "train_decoder", \.trainDecoder,
        "Whether the decoder is trained too; `false` leaves the language model of `model` as it came."),
      .flag(
        "train_vision", \.trainVision,
        "Whether the vision tower is trained too; `false` leaves it as `vision_pretraining` or `model.path` made it."
      ),
      .integer(
        "per_device_train_batch_size", \.perDeviceTrainBatchSize, from: 1, to: 1_000_000, "Examples per step."
      ),
      .number("learning_rate", \.learningRate, .positive, "Peak learning rate."),
      .choice("lr_scheduler_type", \.lrSchedulerType, "Schedule after the warm-up."),
      .number(
        "decay_ratio", \.decayRatio, .scale,
        "Share of the steps, at the end, in which the schedule falls; before it the rate stays at its peak."),
      .number(
        "warmup_ratio", \.warmupRatio, .share, "Share of the steps in which the learning rate rises from 0."),
      .number("weight_decay", \.weightDecay, .notNegative, "Decoupled weight decay."),
      .number(
        "max_grad_norm", \.maxGradNorm, .notNegative, "Gradients are scaled down to this norm; 0 is off."),
      .section("composed", \.composed),
      .integer(
        "questions_per_image", \.questionsPerImage, from: 1, to: 16,
        "Questions in one conversation about one picture."),
      .integer(
        "eval_steps", \.evalSteps,
        "Steps between two looks at the accuracy on the validation split, told in `metrics.jsonl`; 0 "
          + "never looks. Answers are made and graded as `evaluate` says, whose `grader`, `batch_tokens` "
          + "and `max_new_tokens` then redo `sft` too."
      ),
      .integer(
        "eval_questions", \.evalQuestions, from: 1,
        "Questions of a look about single images, and as many of every format in `composed`."),
      .number(
        "stop_accuracy", \.stopAccuracy, .share,
        "Mean accuracy over the formats of `composed` at which the decay of the learning rate begins, so "
          + "that the base model can still err; 0 leaves it to `max_steps`."
      ),
      .number("adam_beta1", \.adamBeta1, .belowOne, "AdamW's decay of the first moment."),
      .number("adam_beta2", \.adamBeta2, .belowOne, "AdamW's decay of the second moment."),
      .integer("logging_steps", \.loggingSteps, from: 1, "Steps between two lines of metrics."),
      .integer("save_steps", \.saveSteps, from: 1, "Steps between two checkpoints.", affectsResults: false),
    ]
  }
}

extension RunConfiguration.SFT.Composed: ConfigurationSection {
  static var fields: [ConfigurationField<Self>] {
    [
      .number(
        "share", \.share, .share,
        "Share of conversations about several pictures once they have started, in the prompts that "
          + "`compose` makes."
      ),
      .number("start", \.start, .share, "Fraction of the steps after which they come in."),
      .number(
        "pairs_until", \.pairsUntil, .share,
        "Fraction of the steps up to which they show two pictures alone, in each format with weight for two: "
          + "\"Image 2\" is learned soonest from these."
      ),
      .integer(
        "questions", \.questions, from: 1, to: 16,
        "Questions in one of them, each about a picture drawn at random (for a picture in a picture the "
          + "inner one)."
      ),
      .weights(
        "sequence", \.sequence, for: RunConfiguration.Compose.sequenceCounts,
        "How often a sequence is drawn, by number of images; only proportions count, also to the other "
          + "formats."
      ),
      .weights(
        "grid", \.grid, for: RunConfiguration.Compose.gridCounts,
        "How often a grid is drawn, by number of cells."),
      .number("pic_in_pic", \.picInPic, .notNegative, "How often a picture in a picture is drawn."),
    ] + levelFields
  }
}

extension RunConfiguration.SFT.VisionPretraining: ConfigurationSection {
  static var fields: [ConfigurationField<Self>] {
    [
      .integer(
        "max_steps", \.maxSteps,
        "Steps in which the vision tower learns to name attributes of single pictures, in place of CLIP training; 0 is none."
      ),
      .integer(
        "per_device_train_batch_size", \.perDeviceTrainBatchSize, from: 1, to: 1_000_000, "Pictures per step."
      ),
      .number(
        "composed_share", \.composedShare, .share,
        "Share of the pictures that are grids and pictures in pictures of `sft.composed`, so that patch "
          + "features say what is where."
      ),
      .number("learning_rate", \.learningRate, .positive, "Peak learning rate, with cosine schedule."),
      .number(
        "warmup_ratio", \.warmupRatio, .share, "Share of the steps in which the learning rate rises from 0."),
      .number("weight_decay", \.weightDecay, .notNegative, "Decoupled weight decay of matrices."),
    ]
  }
}

extension RunConfiguration.Train: ConfigurationSection {
  /// The losses that read an option, by name.
  private static func readers(of option: LossOption) -> String {
    PreferenceLoss.registry.filter { $0.reads.contains(option) }.map { "`\($0.name)`" }
      .joined(separator: ", ")
  }

  static var fields: [ConfigurationField<Self>] {
    [
      .number("beta", \.beta, .positive, "Scale β of the implicit reward."),
      .name("loss_type", \.lossType, oneOf: lossTypes, "Name of the loss; `sigmoid` is DPO's."),
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
        "Weight of the tokens of the longer answer beyond the length of the shorter one (LD-DPO); 1 weighs all alike."
      ),
      .flag(
        "use_weighting", \.useWeighting,
        "Whether the preference loss of a pair is weighed by how likely its answers are under the policy (WPO)."
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
      .choice("lr_scheduler_type", \.lrSchedulerType, "Schedule after the warm-up."),
      .number(
        "warmup_ratio", \.warmupRatio, .share, "Share of the steps in which the learning rate rises from 0."),
      .number("weight_decay", \.weightDecay, .notNegative, "Decoupled weight decay."),
      .number(
        "max_grad_norm", \.maxGradNorm, .notNegative, "Gradients are scaled down to this norm; 0 is off."),
      .number("adam_beta1", \.adamBeta1, .belowOne, "AdamW's decay of the first moment."),
      .number("adam_beta2", \.adamBeta2, .belowOne, "AdamW's decay of the second moment."),
      .choice("adapter", \.adapter, "LoRA adapters on the decoder's linears, or all decoder weights."),
      .choice(
        "frozen_dtype", \.frozenDtype,
        "How matrices that are not trained are stored; `bfloat16` halves their memory, computing is done in Float32."
      ),
      .integer("lora_r", \.loraR, from: 1, to: 131_072, "Rank of the adapters, with `adapter: lora`."),
      .number("lora_alpha", \.loraAlpha, .positive, "Scale α of the adapters: the update is α / r · B · A."),
      .names("lora_target", \.loraTarget, from: loraTargets, "Decoder linears that carry an adapter."),
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
        "Prompts the base model answered right, beside the pairs of a step: they take part in the NLL term alone."
      ),
      .names(
        "ballast_kinds", \.ballastKinds, from: ballastKindNames, "Kinds of prompts the ballast is drawn from."
      ),
      .flag(
        "precompute_ref_log_probs", \.precomputeRefLogProbs,
        "Whether reference log-probabilities are computed once and cached."),
      .flag(
        "shares_prefix", \.sharesPrefix, "Whether chosen and rejected share one pass over images and prompt."),
      .integer(
        "rounds", \.rounds, from: 1, to: 20,
        "How often the model answers, its answers are selected and it is trained on them: each round starts "
          + "from the model of the one before, which is its reference too, and asks about the same pictures "
          + "in other company (with `compose.path` the same prompts)."
      ).read(by: .compose, .answers, .select, .train),
      .integer("logging_steps", \.loggingSteps, from: 1, "Steps between two lines of metrics."),
      .integer("save_steps", \.saveSteps, from: 1, "Steps between two checkpoints.", affectsResults: false),
      .integer(
        "save_total_limit", \.saveTotalLimit, "Checkpoints that are kept; 0 keeps all.", affectsResults: false
      ),
    ]
  }
}

extension RunConfiguration.Evaluate: ConfigurationSection {
  static var fields: [ConfigurationField<Self>] {
    [
      .choice(
        "grader", \.grader,
        "How answers are graded: by what they claim about the picture (`semantic`), by comparison with "
          + "the ground truth as text, or by what the source has. Selection counts right answers the same "
          + "way."
      ).read(by: .answers, .select, .before, .evaluate),
      .choice(
        "split", \.split, "Split the questions come from; `val` for choices, `test` for reported figures."
      ).read(by: .questions),
      .integer(
        "questions", \.questions, from: 1, "Questions of each kind: single, sequence, grid, pic-in-pic."
      ).read(by: .questions),
      .integers(
        "sequence_counts", \.sequenceCounts, from: RunConfiguration.Compose.sequenceCounts,
        "Numbers of images in sequence questions."
      ).read(by: .questions),
      .integers(
        "grid_counts", \.gridCounts, from: RunConfiguration.Compose.gridCounts,
        "Numbers of cells in grid questions."
      ).read(by: .questions),
      .integer("batch_tokens", \.batchTokens, from: 64, to: 100_000_000, "Tokens per batch of generation."),
      .integer("max_new_tokens", \.maxNewTokens, from: 1, to: 1_000_000, "Longest generated answer, tokens."),
      .integer(
        "bootstrap_samples", \.bootstrapSamples, from: 10, to: 1_000_000,
        "Resamples behind the 95 % intervals."
      ).read(by: .evaluate),
      .flag("blind", \.blind, "Whether every question is also asked without its images."),
      .flag(
        "permuted", \.permuted,
        "Whether every question about a sequence is also asked with its pictures in another order: each "
          + "one place on, the last one first. The ground truth is given the new names."
      ),
    ] + levelFields
  }
}

extension RunConfiguration.Report: ConfigurationSection {
  static var fields: [ConfigurationField<Self>] {
    [
      .integer(
        "samples", \.samples, to: 100, "Composed samples of each format on the contact sheet.",
        affectsResults: false),
      .integer(
        "attention_maps", \.attentionMaps, to: 100, "Attention maps of kept and of dropped pairs, each.",
        affectsResults: false),
    ]
  }
}
