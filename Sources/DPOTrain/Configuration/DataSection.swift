extension RunConfiguration {
  /// `data`: where images and conversations come from, and how many of each split are used.
  public struct Data: Sendable, Equatable {
    /// Kinds of data.
    public enum Source: String, CaseIterable, Sendable {
      /// Procedural scenes with coloured shapes; needs no files.
      case shapes
      /// Fashion-MNIST as installed by Debian's dataset-fashion-mnist.
      case fashion
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

    /// Kind of data.
    public var source = Source.shapes
    /// Directory of the IDX files (`fashion`) or the JSON file (`llava`); `nil` for `shapes`, and for
    /// `fashion` in the place where Debian installs it.
    public var path: String?
    /// Directory that the picture paths of `llava` records are relative to; `nil` means the JSON file's.
    public var imageRoot: String?
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
