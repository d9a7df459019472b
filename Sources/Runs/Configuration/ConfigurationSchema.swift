import DPOTrain
import Evaluation
import MultiImageData
import Records
import Tensor

extension RunConfiguration: ConfigurationSection {
  static var fields: [ConfigurationField<RunConfiguration>] {
    [
      .section("run", \.run), .section("model", \.model),
      .section("tokenizer", \.tokenizer), .section("data", \.data),
      .section("sft", \.sft).absent { $0.hasOwnPairs },
      .section("compose", \.compose).absent { $0.hasOwnPairs },
      .section("select", \.select).absent { $0.hasOwnPairs }, .section("train", \.train),
      .section("evaluate", \.evaluate).absent { $0.hasOwnPairs }, .section("report", \.report),
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
        form: .count, parse: { $0.text.flatMap { UInt64($0) } }, write: { .scalar(String($0)) }),
      .integer(
        "threads", \.threads, to: 1024, "Number of threads; 0 takes one per core.", affectsResults: false),
      .choice(
        "on_bad_record", \.onBadRecord,
        "What every stage does with a record that cannot be used: stop, or leave it out and list it in "
          + "`omissions.txt`.",
        affectsResults: false),
      .integer(
        "feature_cache_mib", \.featureCacheMiB, to: 1 << 24,
        "MiB of memory for image features that are computed once; 0 takes an eighth of the machine's, at "
          + "least 448. Pictures beyond it are computed at every use, whose last bits can differ.",
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
        "Pieces of the SentencePiece vocabulary trained on the run's own texts; 259 are control tokens and "
          + "bytes. Not used with `model.language_model`."
      ),
      .optionalChoice(
        "template", \.template,
        "How a question is wrapped before the answer; `null` takes the chat template of `model.path` or "
          + "`model.language_model`, and `plain` for a new model. Kept with every model that is written."
      ),
    ]
  }
}

extension RunConfiguration.Data: ConfigurationSection {
  static var fields: [ConfigurationField<Self>] {
    [
      .optionalPath(
        "pairs", \.pairs,
        "File of preference pairs to train the model of `model.path` on, JSON or JSONL; such a run has no "
          + "`sft`, `compose`, `select` and `evaluate`. See pairs.md."
      ).read(by: .train),
      .optionalChoice(
        "pairs_format", \.pairsFormat,
        "Format of `pairs` and `eval_pairs`; `null` finds it out from the first record."
      ).read(by: .train),
      .optionalPath("eval_pairs", \.evalPairs, "File of pairs that are held out and never trained on.")
        .read(by: .train),
      .number(
        "eval_share", \.evalShare, .belowOne,
        "Share of `pairs` that is held out, drawn with `run.seed`, whole prompts at a time."
      ).read(by: .train),
    ] + sourceFields.map { field in field.key == "image_root" ? field : field.absent { $0.pairs != nil } }
  }

  /// Keys of data that pairs are made of.
  private static var sourceFields: [ConfigurationField<Self>] {
    [
      .choice(
        "source", \.source,
        "Procedural shape scenes, Debian's Fashion-MNIST, emoji of a colour font, Tux Paint's stamps, "
          + "several of these, or LLaVA-style conversations with pictures on disk."
      ),
      .optionalPath(
        "path", \.path,
        "Directory of the IDX files (`fashion`) or of the `stamps`, font of the `emoji`, or the JSON or "
          + "JSONL file (`llava`); by default where Debian installs them."
      ),
      .optionalPath(
        "image_root", \.imageRoot,
        "Directory that picture paths of `llava` and of `pairs` are relative to; by default the file's."),
      .choice(
        "turns", \.turns,
        "Which turns of `llava` conversations `sft` learns; composed prompts ask the first question of a "
          + "record, as MIA-DPO does."
      ),
      .optionalPath(
        "names", \.names,
        "File of the names of `emoji`; by default the emoji-test.txt that Debian installs."),
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
        "Whether the vision tower is trained too; `false` leaves it as `vision_pretraining` or `model.path` "
          + "made it."
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
      .flag(
        "gradient_checkpointing", \.gradientCheckpointing,
        "Whether blocks keep their inputs alone for the backward pass and are computed again in it: the same "
          + "bytes, less memory, about a third more time.", affectsResults: false),
      .flag(
        "bf16", \.bf16,
        "Whether large products round to bfloat16 before they multiply and sum in Float32, as `train.bf16`."),
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
        "Steps in which the vision tower learns to name attributes of single pictures, in place of CLIP "
          + "training; 0 is none."
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
