import Foundation
import LVLM
import Serve
import Synchronization
import TestSupport
import Tensor
import Testing

/// A server on this machine, asked over sockets.
@Suite(.serialized) struct ServerTests {
  /// What `generate` says to the same prompt.
  private func generated(_ question: String, picture: RGBImage?, tokens: Int) throws -> GeneratedAnswer {
    let loaded = try ServedFixture.model()
    let pictures = [picture].compactMap(\.self)
    let example = try loaded.encoder.example(
      question: (picture == nil ? "" : "<image>\n") + question, images: Array(pictures.indices), room: tokens)
    return try Generator(model: loaded.model, tokenizer: loaded.tokenizer, stop: loaded.template.stop)
      .generate(
        [example], imageFeatures: loaded.imageFeatures(pictures), maxNewTokens: tokens)[0]
  }

  @Test func answers() async throws {
    let picture = RGBImage(width: 20, height: 12, colour: RGBColour(200, 30, 60))
    let url = try ServedFixture.picture()
    let expected = try generated("What?", picture: picture, tokens: 8)
    let longer = try generated("Why is that?", picture: nil, tokens: 20)
    try await ServedFixture.serving { port in
      let health = try #require(TestClient.ask(port, "GET", "/health"))
      #expect(health.status == 200 && health.json["status"] as? String == "ok")
      let models = try #require(TestClient.ask(port, "GET", "/v1/models"))
      let list = try #require(models.json["data"] as? [[String: Any]])
      #expect(list.map { $0["id"] as? String } == ["tiny"])
      #expect(TestClient.ask(port, "GET", "/v1/models/tiny")?.json["owned_by"] as? String == "dpotrain")
      #expect(TestClient.ask(port, "GET", "/v1/models/big")?.status == 404)

      let body = ServedFixture.body(picture: url, more: #", "logprobs": true, "attention": true"#)
      let reply = try #require(TestClient.ask(port, body: body))
      #expect(reply.status == 200, "\(reply.body)")
      #expect(reply.text == expected.text)
      let usage = try #require(reply.json["usage"] as? [String: Int])
      #expect(usage["completion_tokens"] == expected.ids.count)
      #expect(usage["total_tokens"] == (usage["prompt_tokens"] ?? 0) + expected.ids.count)
      let choice = try #require((reply.json["choices"] as? [[String: Any]])?.first)
      #expect(choice["finish_reason"] as? String == (expected.end == .length ? "length" : "stop"))
      let tokens = try #require((choice["logprobs"] as? [String: Any])?["content"] as? [[String: Any]])
      #expect(tokens.count == expected.ids.count)
      for (token, value) in zip(tokens, expected.logProbabilities) {
        #expect(abs((token["logprob"] as? Double ?? 1) - Double(value)) < 1e-5)
      }
      let attention = try #require(choice["attention"] as? [String: Any])
      #expect(attention["shares"] as? [Double] == [1])
      let image = try #require(attention["image"] as? String)
      let png = try #require(Data(base64Encoded: String(image.dropFirst("data:image/png;base64,".count))))
      #expect(try RGBImage(decoding: Array(png), name: "map").width == 224)

      // The same connection again, as a stream.
      let client = TestClient(port)
      for question in ["What?", "Why is that?"] {
        let isFirst = question == "What?"
        client.request(
          body: ServedFixture.body(
            question, picture: isFirst ? url : nil,
            more: #", "stream": true, "stream_options": {"include_usage": true}"#, tokens: isFirst ? 8 : 20))
        let stream = try #require(client.reply())
        #expect(stream.headers["content-type"] == "text/event-stream")
        let events = stream.body.split(separator: "\n\n").map { $0.dropFirst("data: ".count) }
        #expect(events.last == "[DONE]")
        let chunks = try events.dropLast().map {
          try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        }
        let choices = chunks.compactMap { ($0["choices"] as? [[String: Any]])?.first }
        let text = choices.compactMap { ($0["delta"] as? [String: Any])?["content"] as? String }.joined()
        let wanted = isFirst ? expected : longer
        #expect(text == wanted.text)
        #expect(choices.last?["finish_reason"] as? String != nil)
        #expect((chunks.last?["usage"] as? [String: Int])?["completion_tokens"] == wanted.ids.count)
        #expect(Set(chunks.compactMap { $0["id"] as? String }).count == 1)
      }
    }
  }

  @Test func severalAtOnceAnswerAsAlone() async throws {
    let questions = (0..<12).map { "What is number \($0)?" }
    let expected = try questions.map { try generated($0, picture: nil, tokens: 12).text }
    var limits = ServerLimits()
    limits.batch = 5
    try await ServedFixture.serving(limits: limits) { port in
      let clients = questions.map { question in
        let client = TestClient(port)
        client.request(body: ServedFixture.body(question, tokens: 12))
        return client
      }
      #expect(clients.map { $0.reply()?.text } == expected)
    }
  }

  @Test func wrongRequests() async throws {
    var limits = ServerLimits()
    limits.bodyBytes = 20_000
    limits.picturePixels = 1000
    let picture = try ServedFixture.picture()
    let large = try ServedFixture.picture(width: 40, height: 26)
    let broken = String(picture.dropLast(40))
    try await ServedFixture.serving(limits: limits, token: "secret word") { port in
      let json = "Content-Type: application/json"
      let right = [json, "Authorization: Bearer secret word"]
      func expect(
        _ status: Int, _ says: String, _ method: String = "POST", _ path: String = "/v1/chat/completions",
        _ body: String = ServedFixture.body(), headers: [String]? = nil,
        code: String? = nil, at location: SourceLocation = #_sourceLocation
      ) {
        let reply = TestClient.ask(port, method, path, body, headers: headers ?? right)
        #expect(reply?.status == status, sourceLocation: location)
        #expect(reply?.message.contains(says) == true, "\(reply?.body ?? "")", sourceLocation: location)
        let error = reply?.json["error"] as? [String: Any]
        #expect(error?["type"] as? String != nil, sourceLocation: location)
        #expect(code == nil || error?["code"] as? String == code, sourceLocation: location)
      }
      expect(401, "expected \"Bearer\" and the token", headers: [json])
      expect(401, "this is not the token", headers: [json, "Authorization: Bearer secret"])
      expect(401, "expected \"Bearer\"", headers: [json, "Authorization: Basic secret word"])
      expect(401, "expected \"Bearer\"", "GET", "/v1/models", "", headers: [])
      expect(404, "there is no such path", "POST", "/v1/completions")
      expect(405, "found GET, expected POST", "GET", "/v1/chat/completions", "")
      expect(405, "found DELETE, expected GET", "DELETE", "/", "")
      expect(
        415, "found text/plain, expected application/json", headers: [right[1], "Content-Type: text/plain"])
      expect(415, "found none", headers: [right[1]])
      expect(400, "the body is not JSON", "POST", "/v1/chat/completions", "{\"model\": tiny}")
      expect(
        404, "found \"huge\", expected one of tiny", "POST", "/v1/chat/completions",
        ServedFixture.body().replacing("tiny", with: "huge"))
      expect(
        413, "expected at most 20000", "POST", "/v1/chat/completions",
        ServedFixture.body(String(repeating: "x", count: 30_000)))
      expect(
        413, "found 40x26 pixels, expected at most 1000", "POST", "/v1/chat/completions",
        ServedFixture.body(picture: large))
      expect(422, "image is cut short", "POST", "/v1/chat/completions", ServedFixture.body(picture: broken))
      // Alone too long, and too long with what the answer may take.
      for (question, tokens) in [("What?", 400), (String(repeating: "what ", count: 150), 1)] {
        for more in ["", #", "stream": true"#] {
          expect(
            400, "for the answer, expected at most 128 together", "POST", "/v1/chat/completions",
            ServedFixture.body(question, more: more, tokens: tokens), code: "context_length_exceeded")
        }
      }
      expect(
        400, "attention_layer: found 90", "POST", "/v1/chat/completions",
        ServedFixture.body(picture: picture, more: #", "attention": true, "attention_layer": 90"#))
      // Without a length the body is counted as it comes.
      let chunked = TestClient(port)
      chunked.send(
        "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
          + right.joined(separator: "\r\n") + "\r\n\r\n")
      for _ in 0..<40 { chunked.send("400\r\n" + String(repeating: " ", count: 1024) + "\r\n") }
      chunked.send("0\r\n\r\n")
      #expect(chunked.reply()?.status == 413)
      let noise = TestClient(port)
      noise.send("\u{1}\u{2} nonsense\r\n\r\n")
      #expect(noise.reply()?.status == 400)
      // Whoever is allowed in is answered as before.
      #expect(TestClient.ask(port, body: ServedFixture.body(), headers: right)?.status == 200)
      #expect(TestClient.ask(port, "GET", "/health", headers: [])?.status == 200)
    }
  }

  @Test func namesOfOtherMachinesAreNotAnsweredWithoutAToken() async throws {
    try await ServedFixture.serving { port in
      for (host, status) in [
        ("evil.example:8080", 400), ("localhost:1", 200), ("127.0.0.1", 200), ("[::1]:80", 200),
      ] {
        let client = TestClient(port)
        client.send("GET /v1/models HTTP/1.1\r\nHost: \(host)\r\n\r\n")
        #expect(client.reply()?.status == status, "\(host)")
      }
    }
  }

  @Test func slowClientsAreClosed() async throws {
    var limits = ServerLimits()
    limits.headSeconds = 1
    limits.bodySeconds = 1
    try await ServedFixture.serving(limits: limits) { port in
      for start in [
        "GET /health HTTP/1.1\r\nX: ", "",
        "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
          + "Content-Length: 5000\r\n\r\n{",
      ] {
        let client = TestClient(port, timeout: 10)
        client.send(start)
        let began = ContinuousClock.now
        // A byte now and then does not buy time.
        for _ in 0..<3 {
          Thread.sleep(forTimeInterval: 0.5)
          if !start.isEmpty { client.send("a") }
        }
        // Closed, or told to be wrong and closed.
        var said: [UInt8] = []
        while let bytes = client.receive(), !bytes.isEmpty { said += bytes }
        #expect(said.isEmpty || said.starts(with: Array("HTTP/1.1 400".utf8)), "\(start)")
        #expect(ContinuousClock.now - began < .seconds(5))
      }
      #expect(TestClient.ask(port, body: ServedFixture.body())?.status == 200)
    }
  }

  @Test func disconnectsLeaveNothingBehind() async throws {
    var limits = ServerLimits()
    limits.batch = 2
    limits.waiting = 2
    try await ServedFixture.serving(limits: limits) { port in
      for round in 0..<6 {
        do {
          let client = TestClient(port)
          client.request(body: ServedFixture.body(more: #", "stream": true"#, tokens: 90))
          if round % 2 == 0 { _ = client.receive() }
        }
        let half = TestClient(port)
        half.send("POST /v1/chat/completions HTTP/1.1\r\nContent-Length: 900\r\n")
      }
      // The places of those that left are free again.
      for _ in 0..<40 {
        if TestClient.ask(port, body: ServedFixture.body())?.status == 200 { return }
        Thread.sleep(forTimeInterval: 0.1)
      }
      Issue.record("no answer after clients left")
    }
  }

  @Test func moreThanCanWaitComeBackLater() async throws {
    var limits = ServerLimits()
    limits.batch = 1
    limits.waiting = 1
    try await ServedFixture.serving(limits: limits) { port in
      let clients = (0..<6).map { _ in
        let client = TestClient(port)
        client.request(body: ServedFixture.body(tokens: 90))
        return client
      }
      let replies = clients.map { $0.reply() }
      let refused = replies.filter { $0?.status == 429 }
      #expect(!refused.isEmpty && refused.count <= 4)
      for reply in refused {
        #expect(reply?.headers["retry-after"] == "5")
        #expect(reply?.message.contains("requests wait already") == true)
      }
      #expect(replies.count { $0?.status == 200 } == 6 - refused.count)
      #expect(TestClient.ask(port, body: ServedFixture.body())?.status == 200)
    }
  }

  @Test func answersThatTakeTooLong() async throws {
    var limits = ServerLimits()
    limits.requestSeconds = 0.0001
    try await ServedFixture.serving(limits: limits) { port in
      let reply = try #require(TestClient.ask(port, body: ServedFixture.body(tokens: 90)))
      #expect(reply.status == 503 && reply.message.contains("the answer took longer"), "\(reply.body)")
    }
  }

  @Test func idleConnectionsMakeRoom() async throws {
    var limits = ServerLimits()
    limits.connections = 50
    try await ServedFixture.serving(limits: limits) { port in
      let idle = (0..<250).map { _ in TestClient(port, timeout: 10) }
      #expect(TestClient.ask(port, body: ServedFixture.body())?.status == 200)
      // The oldest were closed, the newest still wait.
      #expect(idle[0].receive() == [])
      idle[249].request("GET", "/health", headers: [])
      #expect(idle[249].reply()?.status == 200)
    }
  }

  @Test func page() async throws {
    try await ServedFixture.serving(token: "t") { port in
      let reply = try #require(TestClient.ask(port, "GET", "/", headers: []))
      #expect(reply.status == 200 && reply.headers["content-type"] == "text/html; charset=utf-8")
      let policy = try #require(reply.headers["content-security-policy"])
      #expect(policy.hasPrefix("default-src 'none'"))
      let nonce = try #require(policy.firstMatch(of: /script-src 'nonce-([0-9a-z]+)'/)).1
      #expect(reply.body.contains("<script nonce=\"\(nonce)\">"))
      // Nothing from elsewhere, and no text that becomes HTML.
      #expect(!reply.body.contains("http:") && !reply.body.contains("https:"))
      #expect(!reply.body.contains("innerHTML") && !reply.body.contains("insertAdjacentHTML"))
      let again = try #require(TestClient.ask(port, "GET", "/", headers: []))
      #expect(again.headers["content-security-policy"] != policy)
    }
  }
}
