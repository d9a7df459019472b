/// How the questions of one benchmark are asked, answered and counted.
public struct BenchmarkPreset: Sendable, Equatable {
  /// What an answer is, and by which rules it is read.
  public enum Answers: String, Sendable {
    /// The letter of an option.
    case choice
    /// The letter of an option; where a row has no options, its reference becomes option A and *Other
    /// Answers* option B (VLMEvalKit's `MMMU_preproc`).
    case choiceOrText
    /// The letter of an option; the reference is the option's text, and the first word may be part of `(A)`
    /// (MVBench).
    case optionText
    /// Yes or no.
    case yesNo
    /// An option, a number or a text, by the columns `question_type` and `answer_type` (MathVista).
    case typed
    /// What the reference asks for, with `<AND>` and `<OR>` (MM-Vet).
    case parts
    /// The reference itself, after normalization.
    case text
  }

  /// A column by whose values accuracy is also given.
  public struct GroupColumn: Sendable, Equatable {
    /// How a cell names groups.
    public enum Cell: Sendable {
      /// The cell is the group.
      case whole
      /// Several, with commas between them.
      case commas
      /// Several, as a Python list.
      case list
    }
    /// Names of the column, of which a file has one.
    public var names: [String]
    /// How a cell names groups.
    public var cell = Cell.whole
  }

  /// Its name, as `--preset` takes it.
  public let name: String
  /// What names of files of the benchmark begin with, letters and digits only.
  let fileNames: [String]
  /// What an answer is.
  public let answers: Answers
  /// How a question is asked.
  public let prompt: BenchmarkPrompt.Form
  /// Whether `<image 1>` in a text is the place of the first picture.
  package var marksImages = false
  /// The columns of groups.
  var groups: [GroupColumn] = [.init(names: ["l2-category", "l2_category"]), .init(names: ["category"])]
  /// Tokens of an answer at most, where nothing else is said.
  package let maxNewTokens: Int
  /// What VLMEvalKit, or the benchmark itself, reports.
  public let reports: String

  /// Whether questions can have options, or are answered by yes and no.
  package var hasChoices: Bool { answers != .parts && answers != .text }

  /// The preset of this name, whatever the case of its letters.
  public init?(named name: String) {
    guard let preset = Self.all.first(where: { $0.name.lowercased() == name.lowercased() }) else {
      return nil
    }
    self = preset
  }

  /// The preset of the longest name that the name of a file begins with: `MMBench_DEV_EN.tsv` is MMBench.
  public init?(inferredFrom path: String) {
    func plain(_ text: some StringProtocol) -> String {
      text.lowercased().filter { $0.isLetter || $0.isNumber }
    }
    let file = plain(path.split(separator: "/").last ?? "")
    let fits = Self.all.flatMap { preset in
      preset.fileNames.filter { file.hasPrefix($0) }.map { (length: $0.count, preset: preset) }
    }
    guard let best = fits.max(by: { $0.length < $1.length }) else { return nil }
    self = best.preset
  }

  private init(
    _ name: String, files: [String], _ answers: Answers, _ prompt: BenchmarkPrompt.Form,
    maxNewTokens: Int = 64,
    reports: String, _ change: (inout BenchmarkPreset) -> Void = { _ in }
  ) {
    self.name = name
    fileNames = files
    self.answers = answers
    self.prompt = prompt
    self.maxNewTokens = maxNewTokens
    self.reports = reports
    change(&self)
  }

  /// Every preset: the benchmarks of the paper's tables, then one of each kind for other files.
  public static let all = [
    BenchmarkPreset(
      "MMMU", files: ["mmmu"], .choiceOrText, .llava,
      reports: "accuracy by split, discipline and subject; open questions as a choice of two"
    ) { $0.marksImages = true },
    BenchmarkPreset("BLINK", files: ["blink"], .choice, .llava, reports: "accuracy by task"),
    BenchmarkPreset(
      "Mantis-Eval", files: ["mantis"], .choice, .llava,
      reports: "accuracy; not in VLMEvalKit, the columns are those of its other choices"),
    BenchmarkPreset(
      "NLVR2", files: ["nlvr"], .choice, .llava,
      reports: "accuracy; not in VLMEvalKit, two pictures a row and True and False as options"),
    BenchmarkPreset(
      "MVBench", files: ["mvbench"], .optionText, .video,
      reports: "accuracy by task; frames are pictures here, in image_path or image"
    ) { $0.groups = [.init(names: ["task_type", "category"])] },
    BenchmarkPreset("MMStar", files: ["mmstar"], .choice, .llava, reports: "accuracy by ability"),
    BenchmarkPreset(
      "ScienceQA", files: ["scienceqa"], .choice, .llava, reports: "accuracy of rows with a picture"),
    BenchmarkPreset(
      "MMVet", files: ["mmvet"], .parts, .question, maxNewTokens: 512,
      reports: "a judge's score, not given here; what the reference asks for, word for word, is"
    ) { $0.groups = [.init(names: ["category"], cell: .commas)] },
    BenchmarkPreset("POPE", files: ["pope"], .yesNo, .question, reports: "F1, accuracy, precision, recall") {
      $0.groups = [.init(names: ["category"], cell: .commas)]
    },
    BenchmarkPreset(
      "MMBench", files: ["mmbench", "ccbench"], .choice, .llava,
      reports: "circular accuracy: every order of a question's options right"),
    BenchmarkPreset(
      "MathVista", files: ["mathvista"], .typed, .question, maxNewTokens: 512,
      reports: "accuracy after a judge read the answers, not given here; answers that need no judge are"
    ) { $0.groups = [.init(names: ["task"]), .init(names: ["skills"], cell: .list)] },
    BenchmarkPreset("AI2D", files: ["ai2d"], .choice, .llava, reports: "accuracy"),
    BenchmarkPreset("choice", files: [], .choice, .llava, reports: "accuracy; any file of options"),
    BenchmarkPreset(
      "yes-no", files: ["mme", "hallusionbench", "amber"], .yesNo, .question,
      reports: "F1, accuracy, precision, recall; any file of yes and no"),
    BenchmarkPreset(
      "open", files: [], .text, .question, maxNewTokens: 512,
      reports: "exact match after normalization; any file of short answers"),
  ]
}
