import Foundation
import Serve
import Testing

/// What is wrong with a request is said in a sentence that names the key.
@Suite struct ChatRequestTests {
  private struct Case {
    var body: String
    var status = 400
    var says: String
    var param: String?

    init(_ body: String, _ says: String, _ param: String? = nil, status: Int = 400) {
      (self.body, self.says, self.param, self.status) = (body, says, param, status)
    }

    /// A request that is right but for some more keys.
    static func with(_ more: String, _ says: String, _ param: String) -> Case {
      Case(#"{"model": "m", "messages": [{"role": "user", "content": "a"}], \#(more)}"#, says, param)
    }

    /// One with other messages.
    static func saying(_ messages: String, _ says: String, _ param: String) -> Case {
      Case(#"{"model": "m", "messages": \#(messages)}"#, says, param)
    }

    /// One with a picture.
    static func showing(_ url: String, _ says: String) -> Case {
      .saying(
        #"[{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "\#(url)"}}]}]"#, says,
        "messages[0].content[0].image_url.url")
    }
  }

  private let cases: [Case] = [
    Case("", "the body is not JSON: byte 0"), Case(#"{"model": "#, "the body is not JSON"),
    Case("[1]", "the body: found a list of 1, expected an object"),
    Case(#"{"model": "m", "model": "n"}"#, "each key once"),
    Case(#"{"messages": []}"#, "model: is missing, expected the name of a model", "model"),
    Case(#"{"model": 3}"#, "model: found 3, expected the name", "model"),
    .with(#""max_tokens": 0"#, "max_tokens: found 0, expected a whole number from 1 to 4096", "max_tokens"),
    .with(#""max_tokens": 99999"#, "expected a whole number from 1 to 4096", "max_tokens"),
    .with(#""max_completion_tokens": 1.5"#, "found 1.5, expected a whole", "max_completion_tokens"),
    .with(
      #""temperature": "hot""#, "temperature: found \"hot\", expected a number from 0 to 2", "temperature"),
    .with(#""temperature": -1"#, "found -1, expected a number from 0 to 2", "temperature"),
    .with(#""top_p": 0"#, "top_p: found 0, expected a number above 0, at most 1", "top_p"),
    .with(#""n": 2"#, "n: found 2, expected 1: one answer a request", "n"),
    .with(#""stop": ["a", "b", "c", "d", "e"]"#, "stop: found a list of 5, expected a text", "stop"),
    .with(#""stop": """#, "expected a text or a list of at most 4", "stop"),
    .with(#""stream": "yes""#, "stream: found \"yes\", expected true or false", "stream"),
    .with(#""stream_options": {"include_usage": true}"#, "expected none where stream", "stream_options"),
    .with(#""seed": "x""#, "seed: found \"x\", expected a whole number", "seed"),
    .with(#""logprobs": true, "stream": true"#, "expected false where stream is true", "logprobs"),
    .with(#""top_logprobs": 3"#, "of each token its own log-probability", "top_logprobs"),
    .with(#""frequency_penalty": 1"#, "repetition_penalty is what there is here", "frequency_penalty"),
    .with(#""tools": [{}]"#, "tools: found a list of 1, expected none", "tools"),
    .with(
      #""response_format": {"type": "json_object"}"#, "response_format: found an object", "response_format"),
    .with(#""colour": "red""#, "colour: is unknown here", "colour"),
    Case(#"{"model": "m"}"#, "messages: is missing, expected a list of messages", "messages"),
    .saying("[]", "messages: found a list of 0, expected a list of messages", "messages"),
    .saying(#"["a"]"#, "messages[0]: found \"a\", expected an object", "messages[0]"),
    .saying(#"[{"content": "a"}]"#, "messages[0].role: is missing", "messages[0].role"),
    .saying(
      #"[{"role": "tool", "content": "a"}]"#, "found \"tool\", expected system, user", "messages[0].role"),
    .saying(#"[{"role": "assistant", "content": "a"}]"#, "user and assistant take turns", "messages[0].role"),
    .saying(
      #"[{"role": "user", "content": "a"}, {"role": "user", "content": "b"}]"#, "take turns",
      "messages[1].role"),
    .saying(
      #"[{"role": "user", "content": "a"}, {"role": "system", "content": "b"}]"#, "before all others alone",
      "messages[1].role"),
    .saying(
      #"[{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]"#,
      "the last one has to be the user's", "messages"),
    .saying(
      #"[{"role": "user", "content": "a"}, {"role": "assistant", "content": " "}, {"role": "user", "content": "b"}]"#,
      "expected an answer with some text", "messages[1].content"),
    .saying(
      #"[{"role": "user", "content": 1}]"#, "expected a text or a list of parts", "messages[0].content"),
    .saying(#"[{"role": "user", "content": []}]"#, "found a list of 0", "messages[0].content"),
    .saying(
      #"[{"role": "user", "content": "an <image> here"}]"#, "which stands for a picture",
      "messages[0].content"),
    .saying(
      #"[{"role": "user", "content": [{"type": "input_audio"}]}]"#, "expected text or image_url",
      "messages[0].content[0].type"),
    .saying(
      #"[{"role": "system", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]"#,
      "pictures stand in messages of the user", "messages[0].content[0].type"),
    .showing("http://example.com/a.png", "found a web address, expected a data: URL"),
    .showing("https://example.com/a.png", "this server opens neither addresses nor files"),
    .showing("file:///etc/passwd", "found the path of a file"),
    .showing("/etc/passwd", "found the path of a file"),
    .showing("a.png", "found no such, expected a data: URL"),
    .showing("data:image/gif;base64,R0lG", "found the type image/gif"),
    .showing("data:image/png,abc", "expected base64"),
    .showing("data:image/png;base64", "found no comma"),
    .showing("data:image/png;base64,!!!!", "the base64 is broken"),
    .showing("data:image/png;base64,", "the base64 is broken"),
  ]

  @Test func badRequests() {
    for one in cases {
      do {
        let found = try ChatRequest(Array(one.body.utf8), limits: ServerLimits())
        Issue.record("\(one.body) was read as \(found)")
      } catch {
        #expect(error.status == one.status, "\(one.body)")
        #expect(error.message.contains(one.says), "\(one.body): \(error.message)")
        if let param = one.param { #expect(error.param == param, "\(one.body)") }
        #expect(error.message.utf8.count < 300)
      }
    }
  }

  @Test func wholeRequest() throws {
    let body = #"""
      {"model": "m", "max_tokens": 7, "temperature": 0.5, "top_p": 0.9, "seed": -3, "stop": ["a", "b"],
       "stream": true, "stream_options": {"include_usage": true}, "user": "u", "n": 1, "tools": [],
       "frequency_penalty": 0, "response_format": {"type": "text"}, "attention": true, "attention_layer": 2,
       "messages": [
         {"role": "system", "content": [{"type": "text", "text": "Be brief."}]},
         {"role": "user", "content": [
           {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD", "detail": "low"}},
           {"type": "text", "text": "What?"}]},
         {"role": "assistant", "content": "A dog."},
         {"role": "user", "content": "And here?"}]}
      """#
    let request = try ChatRequest(Array(body.utf8), limits: ServerLimits())
    #expect(request.questions == ["<image>\nWhat?", "And here?"])
    #expect(request.answers == ["A dog."])
    #expect(request.system == "Be brief.")
    #expect(
      request.pictures == [.init(place: "messages[1].content[0].image_url.url", bytes: Array("ABC".utf8))])
    #expect(request.maxTokens == 7 && request.temperature == 0.5 && request.topP == 0.9)
    #expect(request.seed == UInt64(bitPattern: -3) && request.stops == ["a", "b"])
    #expect(request.isStreamed && request.includesUsage && request.givesAttention)
    #expect(request.attentionLayer == 2)
    let least = #"{"model": "m", "messages": [{"role": "user", "content": "a"}]}"#
    let usual = try ChatRequest(Array(least.utf8), limits: ServerLimits())
    #expect(usual.temperature == 1 && usual.maxTokens == 256 && usual.seed == nil && !usual.isStreamed)
  }

  @Test func tokensAreCompared() {
    let secret = Array("correct horse".utf8)
    #expect(Router.isSame(secret, secret))
    for other in ["", "correct hors", "correct horsf", "correct horsecorrect horse", "Correct horse"] {
      #expect(!Router.isSame(Array(other.utf8), secret))
    }
    #expect(!Router.isSame([], []))
  }
}
