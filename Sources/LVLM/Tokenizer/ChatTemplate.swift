/// How a question becomes the text that the decoder reads, and how its answer goes on.
public struct ChatTemplate: Equatable, Sendable {
  /// The name that configurations use.
  public let name: String
  /// Everything before the question.
  public let beforeQuestion: String
  /// What stands around a system message that takes the place of the template's own, up to the question.
  public let systemFrame: SystemFrame
  /// Everything between an answer's eos and a further question: no system sentence.
  public let beforeLaterQuestion: String
  /// What stands before a question that begins with text rather than with a picture.
  public let beforeText: String
  /// Everything between the question and the answer; ends where the answer begins.
  public let afterQuestion: String
  /// What an answer begins with.
  public let beforeAnswer: String
  /// Text that ends an answer besides the eos token, if the template has one.
  public let stop: String?
  /// Special tokens that the template itself writes; in a question they are ordinary text.
  public let marks: [String]
  /// Whether the `<image>` marks at the head of a question, each of which may have a line break behind it,
  /// stand together, with ``beforeText`` behind them. Marks among its words stay there.
  public let gathersPictures: Bool
  /// What is written behind an answer, before a further question and at the end of a conversation, where eos
  /// stands alone; nil where eos alone ends every answer.
  public let answerEnds: AnswerEnds?
  /// Renders conversations where the template is a model's own; the texts here then say what it writes around
  /// short ones.
  let engine: ChatEngine?

  /// Texts around a system message.
  public struct SystemFrame: Equatable, Sendable {
    /// Before it.
    public let before: String
    /// From its end to the question.
    public let after: String
  }

  /// Texts behind answers.
  public struct AnswerEnds: Equatable, Sendable {
    /// Before a further question.
    public let inner: String
    /// Before eos.
    public let last: String
  }

  /// LLaVA-1.5's: the Vicuna v1 system sentence, `USER:` and `ASSISTANT:`.
  public static let vicunaV1 = ChatTemplate(
    name: "vicuna_v1",
    beforeQuestion:
      "A chat between a curious user and an artificial intelligence assistant. The assistant gives "
      + "helpful, detailed, and polite answers to the user's questions. USER: ",
    systemFrame: .init(before: "", after: " USER: "), beforeLaterQuestion: "USER: ",
    afterQuestion: " ASSISTANT:", stop: nil)

  /// The template MIA-DPO asks for its rejected answers with: *human* for *user*, `###` between the messages.
  public static let llavaV0 = ChatTemplate(
    name: "llava_v0",
    beforeQuestion:
      "A chat between a curious human and an artificial intelligence assistant. The assistant gives "
      + "helpful, detailed, and polite answers to the human's questions.###Human: ",
    systemFrame: .init(before: "", after: "###Human: "), beforeLaterQuestion: "###Human: ",
    afterQuestion: "###Assistant:", stop: "###")

  /// `USER: … ASSISTANT:` without a system sentence, for small models.
  public static let plain = ChatTemplate(
    name: "plain", beforeQuestion: "USER: ", systemFrame: .init(before: "", after: " USER: "),
    beforeLaterQuestion: "USER: ",
    afterQuestion: " ASSISTANT:", stop: nil)

  /// ChatML with the system sentence of SmolLM2-Instruct.
  public static let chatML = ChatTemplate(
    name: "chatml",
    beforeQuestion:
      "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n"
      + "<|im_start|>user\n",
    systemFrame: .init(before: "<|im_start|>system\n", after: "<|im_end|>\n<|im_start|>user\n"),
    beforeLaterQuestion: "\n<|im_start|>user\n",
    afterQuestion: "<|im_end|>\n<|im_start|>assistant\n", stop: "<|im_end|>",
    marks: ["<|im_start|>", "<|im_end|>"])

  /// Idefics3's and SmolVLM's: `User:` and `Assistant:`, a blank before whatever is text.
  public static let smolVLM = ChatTemplate(
    name: "smolvlm", beforeQuestion: "<|im_start|>User:",
    systemFrame: .init(before: "<|im_start|>System: ", after: "<end_of_utterance>\nUser:"),
    beforeLaterQuestion: "\nUser:", beforeText: " ",
    afterQuestion: "<end_of_utterance>\nAssistant:", beforeAnswer: " ", stop: "<end_of_utterance>",
    marks: ["<|im_start|>", "<end_of_utterance>"])

  /// LLaVA-OneVision's: ChatML without line breaks between the messages, pictures before the words.
  ///
  /// An answer begins on a new line. What transformers' template writes for one that stands inside a
  /// conversation, a blank before the line break, is not what the model was asked with when it gave it.
  public static let oneVision = ChatTemplate(
    name: "onevision", beforeQuestion: "<|im_start|>user ",
    systemFrame: .init(before: "<|im_start|>system \n", after: "<|im_end|><|im_start|>user "),
    beforeLaterQuestion: "<|im_start|>user ",
    beforeText: "\n", afterQuestion: "<|im_end|><|im_start|>assistant\n", stop: "<|im_end|>",
    marks: ["<|im_start|>", "<|im_end|>"], gathersPictures: true)

  /// LLaVA-OneVision's of its first months, which some of its checkpoints still have: ChatML without a system
  /// sentence.
  public static let oneVisionChatML = ChatTemplate(
    name: "onevision_chatml", beforeQuestion: "<|im_start|>user\n",
    systemFrame: .init(before: "<|im_start|>system\n", after: "<|im_end|>\n<|im_start|>user\n"),
    beforeLaterQuestion: "\n<|im_start|>user\n", afterQuestion: "<|im_end|>\n<|im_start|>assistant\n",
    stop: "<|im_end|>", marks: ["<|im_start|>", "<|im_end|>"])

  /// InternLM2's as InternLM-XComposer2.5 has it, whose marks are pieces that SentencePiece itself finds in
  /// text. A conversation ends with a newline and eos, answers within it with a mark.
  public static let xComposer = internLM2(named: "xcomposer", system: nil)

  /// The same with the system text of the published examples.
  public static let xComposerSystem = internLM2(
    named: "xcomposer_system",
    system: [
      "You are an AI assistant whose name is InternLM-XComposer (浦语·灵笔).",
      "- InternLM-XComposer (浦语·灵笔) is a multi-modality conversational language model that is developed by "
        + "Shanghai AI Laboratory (上海人工智能实验室). It is designed to be helpful, honest, and harmless.",
      "- InternLM-XComposer (浦语·灵笔) can understand and communicate fluently in the language chosen by the "
        + "user such as English and 中文.",
      "- InternLM-XComposer (浦语·灵笔) is capable of comprehending and articulating responses effectively "
        + "based on the provided image.",
    ].joined(separator: "\n"))

  private static func internLM2(named name: String, system: String?) -> ChatTemplate {
    let (start, end) = ("[UNUSED_TOKEN_146]", "[UNUSED_TOKEN_145]")
    let question = "\(start)user\n"
    return ChatTemplate(
      name: name, beforeQuestion: (system.map { "\(start)system\n\($0)\(end)\n" } ?? "") + question,
      systemFrame: .init(before: "\(start)system\n", after: "\(end)\n" + question),
      beforeLaterQuestion: "\n" + question, afterQuestion: "\(end)\n\(start)assistant\n", stop: end,
      marks: [start, end], answerEnds: AnswerEnds(inner: end, last: end + "\n"))
  }

  /// Every template, in the order they are listed to users.
  public static let all = [
    vicunaV1, llavaV0, plain, chatML, smolVLM, oneVision, oneVisionChatML, xComposer, xComposerSystem,
  ]

  /// The template of this name, nil when there is none.
  public init?(named name: String) {
    guard let template = Self.all.first(where: { $0.name == name }) else { return nil }
    self = template
  }

  init(
    name: String, beforeQuestion: String, systemFrame: SystemFrame, beforeLaterQuestion: String,
    beforeText: String = "",
    afterQuestion: String, beforeAnswer: String = "", stop: String?, marks: [String] = [],
    gathersPictures: Bool = false, answerEnds: AnswerEnds? = nil, engine: ChatEngine? = nil
  ) {
    self.name = name
    self.beforeQuestion = beforeQuestion
    self.systemFrame = systemFrame
    self.beforeLaterQuestion = beforeLaterQuestion
    self.beforeText = beforeText
    self.afterQuestion = afterQuestion
    self.beforeAnswer = beforeAnswer
    self.stop = stop
    self.marks = marks
    self.gathersPictures = gathersPictures
    self.answerEnds = answerEnds
    self.engine = engine
  }

  /// By what the template tells who speaks, and its special tokens, which no answer would say: `USER` and
  /// `ASSISTANT` of Vicuna's, `Assistant:` and `###` of LLaVA's first one.
  package var roles: [String] {
    let named = (beforeLaterQuestion + " " + afterQuestion).split { !$0.isLetter }.map(String.init)
    return named.filter { marks.isEmpty && $0.first?.isUppercase == true }
      .map { $0 == $0.uppercased() ? $0 : $0 + ":" } + marks + [stop].compactMap(\.self)
  }

  /// The whole prompt, ending where the answer begins. `question` holds its `<image>` marks.
  public func prompt(_ question: String) -> String { beforeQuestion + opened(question) + afterQuestion }

  /// A question as it stands in a prompt: with what is before text, and the pictures at its head gathered
  /// where the template does so.
  func opened(_ question: String) -> String {
    guard gathersPictures else {
      return question.hasPrefix(Tokenizer.imageMark) ? question : beforeText + question
    }
    var (pictures, text) = ("", question[...])
    while text.hasPrefix(Tokenizer.imageMark) {
      pictures += Tokenizer.imageMark
      text = text.dropFirst(Tokenizer.imageMark.count)
      if text.hasPrefix("\n") { text = text.dropFirst() }
    }
    return text.isEmpty && !pictures.isEmpty ? pictures : pictures + beforeText + text
  }
}
