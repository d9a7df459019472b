import Foundation
import LVLM
import Records

/// What the body of `POST /v1/chat/completions` asks for, read and checked.
package struct ChatRequest: Sendable, Equatable {
  /// A picture as it came.
  package struct Picture: Sendable, Equatable {
    /// Where in the request it stands.
    package var place: String
    package var bytes: [UInt8]

    package init(place: String, bytes: [UInt8]) { (self.place, self.bytes) = (place, bytes) }
  }

  package var model: String
  package var system: String?
  /// Questions with `<image>` marks; one more than ``answers``.
  package var questions: [String] = []
  package var answers: [String] = []
  package var pictures: [Picture] = []
  package var maxTokens: Int
  package var temperature: Double
  package var topP: Double?
  package var topK: Int?
  package var repetitionPenalty: Double
  package var seed: UInt64?
  package var stops: [String]
  package var isStreamed: Bool
  package var includesUsage: Bool
  package var givesLogProbabilities: Bool
  /// Whether where the answer looked is wanted, an extension.
  package var givesAttention: Bool
  package var attentionLayer: Int?

  private static let known: Set<String> = [
    "model", "messages", "max_tokens", "max_completion_tokens", "temperature", "top_p", "top_k", "seed",
    "stop", "stream", "stream_options", "n", "logprobs", "top_logprobs", "repetition_penalty",
    "attention", "attention_layer", "frequency_penalty", "presence_penalty", "response_format", "tools",
    "tool_choice", "logit_bias", "modalities",
  ]
  /// Of no meaning for an answer.
  private static let ignored: Set<String> = [
    "user", "metadata", "store", "service_tier", "safety_identifier", "prompt_cache_key",
    "parallel_tool_calls",
  ]

  /// Reads a body.
  /// - Throws: ``APIError`` of status 400, or 413 for a picture beyond a limit.
  package init(_ body: [UInt8], limits: ServerLimits) throws(APIError) {
    let value: OrderedJSON
    do {
      value = try OrderedJSON(parsing: body)
    } catch {
      throw APIError(
        400, "the body is not JSON: byte \(error.offset): \(error.problem)", code: "invalid_json")
    }
    let fields = try JSONFields(value, path: "", of: "the body")
    try fields.check(known: Self.known.union(Self.ignored))
    model = try fields.string("model", "the name of a model (GET /v1/models lists them)")
    let range = 1...limits.answerTokens
    let older = try fields.integer("max_tokens", in: range)
    maxTokens = try fields.integer("max_completion_tokens", in: range) ?? older ?? limits.usualTokens
    temperature = try fields.number("temperature", "a number from 0 to 2") { (0...2).contains($0) } ?? 1
    topP = try fields.number("top_p", "a number above 0, at most 1") { $0 > 0 && $0 <= 1 }
    topK = try fields.integer("top_k", in: 1...1_000_000)
    repetitionPenalty =
      try fields.number("repetition_penalty", "a number above 0, at most 10") { $0 > 0 && $0 <= 10 } ?? 1
    seed = try fields.integer("seed", in: Int.min...Int.max).map { UInt64(bitPattern: Int64($0)) }
    stops = try Self.stops(fields)
    isStreamed = try fields.bool("stream")
    includesUsage = try Self.includesUsage(fields, isStreamed: isStreamed)
    givesLogProbabilities = try fields.bool("logprobs")
    givesAttention = try fields.bool("attention")
    attentionLayer = try fields.integer("attention_layer", in: 0...100_000)
    try Self.refuse(fields)
    try readMessages(fields)
  }

  /// What would make another answer than the one given.
  private static func refuse(_ fields: JSONFields) throws(APIError) {
    if fields["n"] != nil, fields["n"] != .integer(1) { throw fields.error("n", "1: one answer a request") }
    for key in ["frequency_penalty", "presence_penalty"] {
      _ = try fields.number(key, "0: repetition_penalty is what there is here") { $0 == 0 }
    }
    if let tools = fields["tools"], tools != .array([]) {
      throw fields.error("tools", "none: the models here call none")
    }
    if let choice = fields["tool_choice"], choice != .string("none"), choice != .string("auto") {
      throw fields.error("tool_choice", "none")
    }
    if let bias = fields["logit_bias"], bias != .object([]) { throw fields.error("logit_bias", "none") }
    if let modalities = fields["modalities"], modalities != .array([.string("text")]) {
      throw fields.error("modalities", #"["text"]"#)
    }
    if let format = fields["response_format"], format != .members(["type": .string("text")]) {
      throw fields.error("response_format", #"{"type": "text"}"#)
    }
    if let top = try fields.integer("top_logprobs", in: 0...20), top > 0 {
      throw fields.error("top_logprobs", "0: of each token its own log-probability is given")
    }
    if try fields.bool("logprobs"), try fields.bool("stream") {
      throw fields.error("logprobs", "false where stream is true")
    }
  }

  private static func stops(_ fields: JSONFields) throws(APIError) -> [String] {
    let expected = "a text or a list of at most 4"
    switch fields["stop"] {
    case nil: return []
    case .string(let text) where !text.isEmpty: return [text]
    case .array(let values) where values.count <= 4:
      var texts: [String] = []
      for value in values {
        guard case .string(let text) = value, !text.isEmpty else { throw fields.error("stop", expected) }
        texts.append(text)
      }
      return texts
    default: throw fields.error("stop", expected)
    }
  }

  private static func includesUsage(_ fields: JSONFields, isStreamed: Bool) throws(APIError) -> Bool {
    guard let value = fields["stream_options"] else { return false }
    guard isStreamed else { throw fields.error("stream_options", "none where stream is not true") }
    let options = try JSONFields(value, path: "stream_options.", of: "stream_options")
    try options.check(known: ["include_usage"])
    return try options.bool("include_usage")
  }

  // MARK: Messages

  private mutating func readMessages(_ fields: JSONFields) throws(APIError) {
    guard case .array(let messages)? = fields["messages"], !messages.isEmpty else {
      throw fields.error("messages", "a list of messages, the last one the user's")
    }
    for (index, value) in messages.enumerated() {
      let place = "messages[\(index)]"
      let message = try JSONFields(value, path: place + ".", of: place)
      try message.check(known: ["role", "content", "name", "refusal"])
      let role = try message.string("role", "system, user or assistant")
      switch role {
      case "system", "developer":
        guard index == 0 else { throw message.error("role", "a system message before all others alone") }
        system = try text(message, showsPictures: false)
      case "user":
        guard questions.count == answers.count else {
          throw message.error("role", "assistant: user and assistant take turns")
        }
        questions.append(try text(message, showsPictures: true))
      case "assistant":
        guard questions.count == answers.count + 1 else {
          throw message.error("role", "user: user and assistant take turns")
        }
        let answer = try text(message, showsPictures: false)
        guard answer.contains(where: { !$0.isWhitespace }) else {
          throw message.error("content", "an answer with some text")
        }
        answers.append(answer)
      default: throw message.error("role", "system, user or assistant")
      }
    }
    guard questions.count == answers.count + 1 else {
      throw APIError(400, "messages: the last one has to be the user's", param: "messages")
    }
  }

  /// The text of a message, with an `<image>` mark for each picture.
  private mutating func text(_ message: JSONFields, showsPictures: Bool) throws(APIError) -> String {
    let expected = showsPictures ? "a text or a list of parts" : "a text or a list of parts of text"
    switch message["content"] {
    case .string(let text): return try Self.plain(text, message.path + "content")
    case .array(let parts) where !parts.isEmpty:
      var texts: [String] = []
      for (index, part) in parts.enumerated() {
        texts.append(try self.part(part, "\(message.path)content[\(index)]", showsPictures: showsPictures))
      }
      return texts.joined(separator: "\n")
    default: throw message.error("content", expected)
    }
  }

  private mutating func part(
    _ value: OrderedJSON, _ place: String, showsPictures: Bool
  ) throws(APIError) -> String {
    let part = try JSONFields(value, path: place + ".", of: place)
    switch try part.string("type", "text or image_url") {
    case "text": return try Self.plain(try part.string("text"), place + ".text")
    case "image_url" where showsPictures:
      guard let value = part["image_url"] else { throw part.error("image_url", "an object with a url") }
      let image = try JSONFields(value, path: place + ".image_url.", of: place + ".image_url")
      try image.check(known: ["url", "detail"])
      let name = place + ".image_url.url"
      pictures.append(
        Picture(
          place: name, bytes: try DataURL.bytes(try image.string("url", DataURL.expected), place: name)))
      return Tokenizer.imageMark
    case "image_url": throw part.error("type", "text: pictures stand in messages of the user")
    default: throw part.error("type", "text or image_url")
    }
  }

  /// A text without what stands for a picture.
  private static func plain(_ text: String, _ place: String) throws(APIError) -> String {
    guard !text.contains(Tokenizer.imageMark) else {
      throw APIError(
        400, "\(place): found \(Tokenizer.imageMark), which stands for a picture; send it as an image_url",
        param: place)
    }
    return text
  }
}
