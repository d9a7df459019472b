import Foundation
import Records

/// The bodies of replies to `POST /v1/chat/completions`.
struct ChatReply {
  let id: String
  let created: Int
  let request: ChatRequest

  init(to request: ChatRequest) {
    id = "chatcmpl-" + String(UInt64.random(in: 0...UInt64.max), radix: 36)
    created = Int(Date().timeIntervalSince1970)
    self.request = request
  }

  private func body(
    _ object: String, _ choices: [OrderedJSON], _ usage: OrderedJSON?
  ) -> OrderedJSON {
    var members = [
      OrderedJSON.Member("id", .string(id)), .init("object", .string(object)),
      .init("created", .integer(created)), .init("model", .string(request.model)),
      .init("choices", .array(choices)),
    ]
    if let usage { members.append(.init("usage", usage)) }
    return .object(members)
  }

  private func usage(_ answer: AnswerJob.Answer) -> OrderedJSON {
    .members([
      "prompt_tokens": .integer(answer.promptTokens), "completion_tokens": .integer(answer.answerTokens),
      "total_tokens": .integer(answer.promptTokens + answer.answerTokens),
    ])
  }

  private func reason(_ answer: AnswerJob.Answer) -> OrderedJSON {
    .string(answer.isCutOff ? "length" : "stop")
  }

  private func extras(_ answer: AnswerJob.Answer) -> [OrderedJSON.Member] {
    guard request.givesAttention else { return [] }
    guard let attention = answer.attention else { return [.init("attention", .null)] }
    let png = "data:image/png;base64," + Data(attention.png).base64EncodedString()
    return [
      .init(
        "attention",
        .members([
          "layer": .integer(attention.layer), "shares": .numbers(attention.shares), "image": .string(png),
        ]))
    ]
  }

  private func logProbabilities(_ answer: AnswerJob.Answer) -> OrderedJSON {
    guard let tokens = answer.logProbabilities else { return .null }
    return .members([
      "content": .array(
        tokens.map { text, value in
          .members([
            "token": .string(text), "logprob": .number(Double(value)),
            "bytes": .array(text.utf8.map { .integer(Int($0)) }), "top_logprobs": .array([]),
          ])
        })
    ])
  }

  /// The whole answer at once.
  func whole(_ answer: AnswerJob.Answer) -> OrderedJSON {
    let choice: [OrderedJSON.Member] = [
      .init("index", .integer(0)),
      .init("message", .members(["role": .string("assistant"), "content": .string(answer.text)])),
      .init("logprobs", logProbabilities(answer)), .init("finish_reason", reason(answer)),
    ]
    return body("chat.completion", [.object(choice + extras(answer))], usage(answer))
  }

  private func chunk(
    _ delta: OrderedJSON, _ reason: OrderedJSON, _ extras: [OrderedJSON.Member] = []
  ) -> String {
    let choice: [OrderedJSON.Member] = [
      .init("index", .integer(0)), .init("delta", delta), .init("logprobs", .null),
      .init("finish_reason", reason),
    ]
    return Self.event(
      body("chat.completion.chunk", [.object(choice + extras)], request.includesUsage ? .null : nil))
  }

  /// The first event of a stream.
  var opening: String { chunk(.members(["role": .string("assistant"), "content": .string("")]), .null) }

  /// The event of a piece of text.
  func piece(_ text: String) -> String { chunk(.members(["content": .string(text)]), .null) }

  /// The events at the end.
  func closing(_ answer: AnswerJob.Answer) -> String {
    var text = chunk(.object([]), reason(answer), extras(answer))
    if request.includesUsage { text += Self.event(body("chat.completion.chunk", [], usage(answer))) }
    return text + "data: [DONE]\n\n"
  }

  /// An event of a stream.
  static func event(_ json: OrderedJSON) -> String { "data: \(json.line)\n\n" }
}
