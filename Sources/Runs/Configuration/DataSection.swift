import MultiImageData

extension RunConfiguration {
  /// `data`: where images and conversations come from, and how many of each split are used.
  public struct Data: Sendable, Equatable {
    /// Kinds of data.
    public enum Source: String, CaseIterable, Sendable {
      /// Procedural scenes with coloured shapes; needs no files.
      case shapes
      /// Fashion-MNIST as installed by Debian's dataset-fashion-mnist.
      case fashion
      /// Named pictures of a colour emoji font.
      case emoji
      /// Tux Paint's stamps, captioned photographs and drawings.
      case stamps
      /// Several of the above at once.
      case mixture
      /// LLaVA-style conversations in JSON or JSONL with pictures on disk.
      case llava
    }

    /// `data.sizes`: how many records of each split are used.
    public struct Sizes: Sendable, Equatable {
      /// Records for supervised training.
      public var sft = 20_000
      /// Records from which multi-image prompts are made.
      public var pref = 4000
      /// Records for choices such as thresholds.
      public var val = 1000
      /// Records for the final figures.
      public var test = 1000

      /// All defaults.
      public init() {}
    }

    /// `data.shares`: how much of a mixture each source is; only the proportions count.
    public struct Shares: Sendable, Equatable {
      /// Share of ``Source/shapes``.
      public var shapes = 0.0
      /// Share of ``Source/fashion``.
      public var fashion = 0.0
      /// Share of ``Source/emoji``.
      public var emoji = 0.0
      /// Share of ``Source/stamps``.
      public var stamps = 0.0

      /// All 0.
      public init() {}

      /// The sources with a share, in a fixed order.
      var parts: [(source: Source, share: Double)] {
        [(.shapes, shapes), (.fashion, fashion), (.emoji, emoji), (.stamps, stamps)].filter { $0.1 > 0 }
      }
    }

    /// Which turns of a conversation supervised training learns.
    public typealias Turns = LLaVAConversations.Turns

    /// File of preference pairs to train on, in place of all that makes pairs; `nil` where the run makes
    /// them.
    public var pairs: String?
    /// The format of these pairs; `nil` finds it out.
    public var pairsFormat: PairFormat?
    /// File of pairs that are held out; `nil` for none, or for a share of `pairs`.
    public var evalPairs: String?
    /// Share of `pairs` that is held out.
    public var evalShare = 0.0
    /// Kind of data.
    public var source = Source.shapes
    /// Directory of the IDX files (`fashion`) or of the `stamps`, font of the `emoji`, or the JSON file
    /// (`llava`); `nil` for `shapes` and `mixture`, and for what is in the place where Debian installs it.
    public var path: String?
    /// Directory that the picture paths of `llava` records are relative to; `nil` means the JSON file's.
    public var imageRoot: String?
    /// Which turns of `llava` conversations are trained in `sft`; composed prompts ask the first question.
    public var turns = Turns.all
    /// File of the names of `emoji`; `nil` for the one Debian installs.
    public var names: String?
    /// How much of a `mixture` each source is.
    public var shares = Shares()
    /// How the sources beside `llava` word their answers; `nil` for ``AnswerStyle/sentences``.
    public var answers: AnswerStyle?
    /// Share of questions of these sources that ask for several attributes at once: what is in the picture?
    public var describeShare = 0.2
    /// How many records of each split are used.
    public var sizes = Sizes()
    /// Share of yes/no questions among those of `shapes`; the rest ask for colour and shape, half each.
    public var yesNoShare = 0.3
    /// Whether yes/no questions of `shapes` are also asked in the negative.
    public var negations = false

    /// All defaults.
    public init() {}
  }
}
