public import LVLM
import MultiImageData

/// `select`: the attention rule that decides which answers become rejected ones, and post-selection.
public struct SelectionSettings: Sendable, Equatable {
  /// Where thresholds, strictness, noise and perplexity bounds start from; every one can be given.
  public enum Preset: String, CaseIterable, Sendable {
    /// The thresholds of the paper (arXiv 2410.17637, section 3.3).
    case paper
    /// Those of the released scripts, which also generate on noised images.
    case released
  }

  /// Which decoder layer's attention is read.
  public enum Layer: Sendable, Equatable {
    /// Layer number from 0.
    case index(Int)
    /// Place between the first (0) and the last (1) layer.
    case fraction(Double)
    /// The layer whose ratios differ most between answers (``WidestLayer``).
    case auto

    /// Layer number from 0 in a decoder of `layers` layers; `nil` where the answers decide.
    public func index(of layers: Int) -> Int? {
      switch self {
      case .auto: nil
      case .index(let index): min(index, layers - 1)
      case .fraction(let fraction): min(Int((fraction * Double(layers)).rounded(.down)), layers - 1)
      }
    }
  }

  /// Which answer is chosen.
  public enum Chosen: String, CaseIterable, Sendable {
    /// The ground truth, as in the paper.
    case groundTruth = "ground_truth"
    /// The model's own answer that looked most at its image, of those with a ratio over the threshold: on
    /// policy, and without a label (OPA-DPO's argument, arXiv 2501.09695). A prompt without such an answer
    /// makes no pair. With `use_attention: false` it is the greedy answer.
    case model
  }

  /// Which answer is rejected.
  public enum Rejected: String, CaseIterable, Sendable {
    /// The model's own, as in the paper.
    case model
    /// A right answer to another question of the same kind, drawn at random: a control.
    case random
    /// The chosen answer with what is true of another picture of the prompt in the place of what is true of
    /// the asked one (CcDPO's swapped captions, arXiv 2505.22396).
    case swapped
    /// The first half of the chosen answer's words (CcDPO's truncated captions).
    case truncated
  }

  /// Where the thresholds come from.
  public enum ThresholdRule: String, CaseIterable, Sendable {
    /// From ``Thresholds``.
    case table
    /// The quantile ``thresholdQuantile`` of the ratios of all answers of a format and number of images.
    case quantile
    /// The cut that divides those ratios best in two (Otsu 1979).
    case otsu
    /// No number: an answer passes when another image got more attention than the one asked about.
    case argmax
  }

  /// Which of the answers to a prompt that pass all rules is rejected.
  public enum Pick: String, CaseIterable, Sendable {
    /// The greedy one where it passes, otherwise the first sampled one.
    case first
    /// The one with the lowest attention ratio.
    case lowestRatio = "lowest_ratio"
  }

  /// Formats by name: `single` is a picture as it came.
  public static let formatNames = QuestionKind.layouts.map(\.rawValue)

  /// `select.thresholds`: largest share of the attention on the named image with which an answer is
  /// rejected.
  public struct Thresholds: Sendable, Equatable {
    /// By number of images.
    public var sequence: [Int: Double] = [2: 0.7, 3: 0.6, 4: 0.5, 5: 0.5]
    /// By number of cells.
    public var grid: [Int: Double] = [2: 0.7, 3: 0.6, 4: 0.5, 6: 0.4, 9: 0.4]
    /// For the picture in the middle.
    public var picInPic = 0.6

    /// The paper's.
    public init() {}
  }

  /// `select.strict`: whether the ratio must lie below its threshold (`true`) or may equal it (`false`).
  public struct Strict: Sendable, Equatable {
    /// For separate images.
    public var sequence = false
    /// For collages.
    public var grid = false
    /// For a picture inside another.
    public var picInPic = false
    /// For the lower bound of the perplexity.
    public var perplexity = false

    /// The paper's.
    public init() {}
  }

  /// `select.noise`: standard deviation, in 8-bit steps, of the noise on the pictures while the rejected
  /// answer is generated; 0 is none. The saved pair always names the clean pictures.
  public struct Noise: Sendable, Equatable {
    /// On every picture of a sequence.
    public var sequence = 0.0
    /// On the target cell of a grid.
    public var grid = 0.0
    /// On the whole picture, added modulo 256 as in the released code.
    public var picInPic = 0.0

    /// None, as in the paper.
    public init() {}
  }

  /// Starting point of the values below.
  public var preset = Preset.paper
  /// Whether the attention rule is applied at all; `false` keeps every answer that passes the other rules.
  public var useAttention = true
  /// Largest attention ratio of a rejected answer.
  public var thresholds = Thresholds()
  /// Where the thresholds come from.
  public var thresholdRule = ThresholdRule.table
  /// Share of the answers of a format and number of images that a `quantile` rule lets pass.
  public var thresholdQuantile = 0.25
  /// Whether the ratio must lie under its threshold (`true`) or may equal it (`false`).
  public var strict = Strict()
  /// Decoder layer whose attention is read.
  public var layer = Layer.fraction(0.5)
  /// How the heads of that layer are put together.
  public var heads = AttentionReading.Heads.mean
  /// Which tokens' attention is averaged.
  public var queries = AttentionReading.Queries.answer
  /// Whether the attention ratio is measured in every layer, for the profile by layer.
  public var layerProfile = true
  /// Chat template while answers are generated; `nil` takes the model's own.
  public var template: TemplateChoice?
  /// Formats whose answers may become pairs. Attention has nothing to compare in a single image: its
  /// answers would be rejected for their wording alone.
  public var formats = QuestionKind.multiImage.map(\.rawValue)
  /// Levels whose answers may become pairs.
  public var levels = levelNames
  /// Formats whose prompts are answered by sampling too.
  public var sampledFormats = QuestionKind.multiImage.map(\.rawValue)
  /// Answers sampled for every prompt beside the greedy one; with ``requireWrong`` only where the greedy
  /// one is right.
  public var samples = 4
  /// Which of the answers that pass is rejected.
  public var pick = Pick.first
  /// Temperature of those samples.
  public var temperature = 1.0
  /// Whether an answer must be wrong to be rejected, which asks the ground truth; otherwise it must only
  /// differ from it as a text, as in the paper.
  public var requireWrong = false
  /// Noise on the pictures while the rejected answer is generated.
  public var noise = Noise()
  /// Tokens per batch of generation and of attention passes.
  public var batchTokens = 8192
  /// Longest generated answer, tokens.
  public var maxNewTokens = 24
  /// Which answer is chosen.
  public var chosen = Chosen.groundTruth
  /// Which answer is rejected.
  public var rejected = Rejected.model
  /// Most pairs that are kept, drawn at random; 0 keeps all.
  public var maxPairs = 0
  /// Whether perplexity, lengths and edit distance decide too.
  public var postSelection = true
  /// Longest chosen answer, characters; 0 is no bound.
  public var chosenLengthMax = 0
  /// Share of the pairs, those of the highest perplexity, that is dropped.
  public var perplexityQuantile = 0.0
  /// Share of the pairs, those whose answers differ most in length, that is dropped.
  public var lengthRatioQuantile = 0.0
  /// Share of the pairs, those whose answers are the fewest edits apart, that is dropped.
  public var editDistanceQuantile = 0.0
  /// Pairs whose rejected answer has a lower perplexity are dropped.
  public var perplexityMin = 1.0
  /// Pairs whose rejected answer has a higher perplexity are dropped; 0 is no bound.
  public var perplexityMax = 0.0
  /// Smallest length of the rejected answer over that of the chosen one, characters.
  public var lengthRatioMin = 0.0
  /// Largest length of the rejected answer over that of the chosen one, characters; 0 is no bound.
  public var lengthRatioMax = 0.0
  /// Pairs whose answers are fewer edits (characters) apart are dropped.
  public var editDistanceMin = 1

  /// All defaults.
  public init() {}

  /// The values of a preset.
  public init(preset: Preset) {
    self.preset = preset
    guard preset == .released else { return }
    thresholds.sequence = [2: 0.8, 3: 0.7, 4: 0.6, 5: 0.6]
    thresholds.grid = [2: 0.7, 3: 0.6, 4: 0.5, 6: 0.4, 9: 0.3]
    thresholds.picInPic = 0.8
    strict.grid = true
    strict.picInPic = true
    strict.perplexity = true
    template = .llavaV0
    maxNewTokens = 512
    chosenLengthMax = 511
    noise.grid = 225
    noise.picInPic = 49
    perplexityMin = 1.1
  }
}

extension SelectionSettings {
  /// Levels by name; `name` is that of prompts that name one picture.
  public static let levelNames = ["name"] + PromptLevel.allCases.map(\.name)

  /// Whether answers to a kind of prompt may become pairs: its format and its level are wanted.
  package func accepts(_ kind: QuestionKind) -> Bool {
    formats.contains(kind.layout.rawValue) && levels.contains(kind.level?.name ?? "name")
  }

  /// Whether a kind of prompt is answered by sampling too.
  package func samples(_ kind: QuestionKind) -> Bool { sampledFormats.contains(kind.layout.rawValue) }
}
