import DPOTrain
import Evaluation
import MultiImageData

/// Everything the report shows, as plain values: it can be made without a run.
public struct ReportContent: Sendable {
  /// Name of the run.
  public var title: String
  /// Hash of the resolved configuration.
  public var configHash: String?
  /// The run's seed.
  public var seed: UInt64?
  /// Versions of what produced the numbers, by name.
  public var versions: [String: String] = [:]
  /// Where the stages stand; empty where that is not known.
  public var stages: [StageProgress] = []
  /// When, where and by which command the run was made: facts by name.
  public var provenance: [(name: String, value: String)] = []
  /// Files beside the report, by their paths from it.
  public var files: [(name: String, holds: String)] = []
  /// Wall-clock seconds of the stages that ran, in order.
  public var seconds: [(stage: String, seconds: Double)] = []
  /// What training changed on pairs held out; `nil` where nothing is.
  public var heldOut: HeldOutSummary?
  /// What the model answered to prompts held out, with the prompts' pictures.
  public var heldOutAnswers: [ReportAnswers] = []
  /// Figures before and after.
  public var results: EvaluationResult?
  /// Metrics of both training stages.
  public var metrics: [MetricRow] = []
  /// All candidates for pairs.
  public var candidates: [CandidateRow] = []
  /// How many of the rejected answers are really wrong.
  public var quality: StoredQuality?
  /// How well each layer's attention tells right from wrong answers.
  public var layers: LayerProfile?
  /// The contact sheet.
  public var samples: [ReportSample] = []
  /// Candidates with attention maps, and their pictures.
  public var attention: [ReportAttention] = []
  /// Answers to held-out questions before training.
  public var before: [AnswerRecord] = []
  /// Answers to held-out questions after training.
  public var after: [AnswerRecord] = []
  /// The pictures of held-out questions, by their ids.
  public var answerPictures: [String: [ReportPicture?]] = [:]
  /// The resolved configuration as YAML.
  public var configuration: String?
  /// Records that stages left out, by stage.
  public var omissions: [(stage: String, count: Int)] = []
  /// What could not be shown and why, one sentence each.
  public var missing: [String] = []

  /// An empty report.
  public init(title: String) { self.title = title }
}

/// What a model answered to one prompt held out as it was trained.
public struct ReportAnswers: Sendable {
  /// Look by look; at least one.
  public var answers: [HeldOutAnswer]
  /// The prompt's pictures; `nil` for one that could not be read.
  public var pictures: [ReportPicture?]

  /// Creates them.
  public init(answers: [HeldOutAnswer], pictures: [ReportPicture?]) {
    self.answers = answers
    self.pictures = pictures
  }
}

/// One card of the contact sheet.
public struct ReportSample: Sendable, Equatable {
  /// The composed record's id.
  public var id: String
  /// How the images are shown.
  public var kind: QuestionKind
  /// Number of pictures.
  public var count: Int
  /// The picture asked about, 1-based.
  public var target: Int
  /// The pictures asked about where the prompt compares or looks for one; `nil` where it names one.
  public var targets: [Int]?
  /// The question with its `<image>` marks.
  public var prompt: String
  /// The right answer.
  public var chosen: String
  /// The model's answer, once it gave one.
  public var rejected: String?
  /// What became of it in selection.
  public var outcome: SelectionOutcome?
  /// The images of the prompt; `nil` for a file that could not be read.
  public var pictures: [ReportPicture?]

  /// Creates a card.
  public init(
    id: String, kind: QuestionKind, count: Int, target: Int, targets: [Int]? = nil, prompt: String,
    chosen: String,
    rejected: String? = nil, outcome: SelectionOutcome? = nil, pictures: [ReportPicture?]
  ) {
    self.id = id
    self.kind = kind
    self.count = count
    self.target = target
    self.targets = targets
    self.prompt = prompt
    self.chosen = chosen
    self.rejected = rejected
    self.outcome = outcome
    self.pictures = pictures
  }
}

/// A candidate whose attention is shown.
public struct ReportAttention: Sendable, Equatable {
  /// The candidate; its `attention` is set.
  public var candidate: CandidateRow
  /// The images of the prompt; `nil` for a file that could not be read.
  public var pictures: [ReportPicture?]

  /// Creates an example.
  public init(candidate: CandidateRow, pictures: [ReportPicture?]) {
    self.candidate = candidate
    self.pictures = pictures
  }
}
