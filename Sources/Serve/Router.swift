import Foundation
import Records

/// Which request gets which reply; knows no sockets.
package final class Router: Sendable {
  private let worker: AnswerWorker
  private let limits: ServerLimits
  /// What a client has to show; nil for nothing.
  private let token: [UInt8]?
  private let started = Int(Date().timeIntervalSince1970)

  private static let chat = "/v1/chat/completions"
  private static let models = "/v1/models"

  init(_ worker: AnswerWorker, limits: ServerLimits, token: String?) {
    self.worker = worker
    self.limits = limits
    self.token = token.map { Array($0.utf8) }
  }

  // MARK: Before the body

  /// The reply that a head alone earns, so that no byte of a body is read in vain.
  func refusal(_ head: RequestHead) -> ServerReply? {
    let isModel = head.path.hasPrefix(Self.models + "/")
    let allowed: String
    switch head.path {
    case "/", "/health", Self.models: allowed = "GET"
    case Self.chat: allowed = "POST"
    case _ where isModel: allowed = "GET"
    default:
      return ServerReply(
        APIError(404, "\(head.path.prefix(80)): there is no such path here", code: "unknown_url"))
    }
    guard head.method == allowed else {
      return ServerReply(
        APIError(405, "\(head.path.prefix(80)): found \(head.method), expected \(allowed)"),
        headers: [("Allow", allowed)])
    }
    if let error = accessError(head) { return ServerReply(error) }
    guard allowed == "POST" else { return nil }
    let type = head["content-type"]?.prefix { $0 != ";" }.trimmingCharacters(in: .whitespaces).lowercased()
    guard type == "application/json" else {
      return ServerReply(
        APIError(415, "Content-Type: found \(type?.prefix(60) ?? "none"), expected application/json"))
    }
    if let length = head["content-length"].flatMap({ Int($0) }), length > limits.bodyBytes {
      return ServerReply(tooLarge(length))
    }
    return nil
  }

  func tooLarge(_ found: Int?) -> APIError {
    APIError(
      413,
      "the body: found \(found.map { "\($0)" } ?? "more") bytes, expected at most \(limits.bodyBytes)",
      code: "body_too_large")
  }

  private func accessError(_ head: RequestHead) -> APIError? {
    guard let token else {
      // A page of somebody else can point a name of its own at this machine; a browser then says that name.
      let host = head["host"].map(Self.name) ?? "localhost"
      return ["localhost", "127.0.0.1", "::1"].contains(host)
        ? nil
        : APIError(
          400,
          "Host: found \(host.prefix(60)), expected localhost (a server without a token answers no other)")
    }
    if head.path == "/" || head.path == "/health" { return nil }
    let words = (head["authorization"] ?? "").split(separator: " ", maxSplits: 1).map(String.init)
    guard words.count == 2, words[0].lowercased() == "bearer" else {
      return APIError(
        401, "Authorization: expected \"Bearer\" and the token of this server", code: "missing_api_key")
    }
    guard Self.isSame(Array(words[1].trimmingCharacters(in: .whitespaces).utf8), token) else {
      return APIError(401, "Authorization: this is not the token of this server", code: "invalid_api_key")
    }
    return nil
  }

  /// The host without its port and brackets.
  private static func name(_ host: String) -> String {
    if host.hasPrefix("[") { return String(host.dropFirst().prefix { $0 != "]" }) }
    return String(host.prefix { $0 != ":" }).lowercased()
  }

  /// Whether two texts are the same; how long it takes tells nothing of the secret one.
  package static func isSame(_ given: [UInt8], _ secret: [UInt8]) -> Bool {
    guard !secret.isEmpty else { return false }
    var difference = given.count ^ secret.count
    for (index, byte) in given.enumerated() { difference |= Int(byte ^ secret[index % secret.count]) }
    return difference == 0
  }

  // MARK: With the body

  /// The reply to a request whose head was not refused.
  /// - Parameter isAbandoned: set when nobody waits for it any more.
  func reply(_ head: RequestHead, _ body: [UInt8], isAbandoned: Flag) async -> ServerReply {
    switch head.path {
    case "/": return Page.reply()
    case "/health":
      return ServerReply(
        200, .members(["status": .string("ok"), "models": .array(worker.names.map(OrderedJSON.string))]))
    case Self.models:
      return ServerReply(
        200, .members(["object": .string("list"), "data": .array(worker.names.map { described($0) })]))
    case Self.chat:
      do throws(APIError) {
        return try await chat(body, isAbandoned)
      } catch {
        return ServerReply(error)
      }
    default:
      let name = String(head.path.dropFirst(Self.models.count + 1))
      return worker.names.contains(name) ? ServerReply(200, described(name)) : ServerReply(noSuchModel(name))
    }
  }

  private func described(_ name: String) -> OrderedJSON {
    .members([
      "id": .string(name), "object": .string("model"), "created": .integer(started),
      "owned_by": .string("dpotrain"),
    ])
  }

  private func noSuchModel(_ name: String) -> APIError {
    APIError(
      404, "model: found \"\(name.prefix(60))\", expected one of \(worker.names.joined(separator: ", "))",
      param: "model", code: "model_not_found")
  }

  private func chat(_ body: [UInt8], _ isAbandoned: Flag) async throws(APIError) -> ServerReply {
    let request = try ChatRequest(body, limits: limits)
    guard let model = worker.names.firstIndex(of: request.model) else { throw noSuchModel(request.model) }
    try worker.enter()
    let (events, feed) = AsyncStream.makeStream(of: AnswerJob.Event.self)
    let worker = worker
    let job = AnswerJob(
      model: model, request: request,
      deadline: ContinuousClock.now + .seconds(limits.requestSeconds), isAbandoned: isAbandoned
    ) { event in
      feed.yield(event)
      if case .text = event { return }
      worker.leave()
      feed.finish()
    }
    worker.put(job)
    let reply = ChatReply(to: request)
    return request.isStreamed ? try await stream(reply, events) : try await whole(reply, events)
  }

  private func whole(
    _ reply: ChatReply, _ events: AsyncStream<AnswerJob.Event>
  ) async throws(APIError) -> ServerReply {
    for await event in events {
      switch event {
      case .text: continue
      case .done(let answer): return ServerReply(200, reply.whole(answer))
      case .failed(let error): throw error
      }
    }
    throw APIError(503, "the server is going down", code: "shutting_down")
  }

  /// A stream begins with the first piece, so that what cannot be answered still has a status of its own.
  private func stream(
    _ reply: ChatReply, _ events: AsyncStream<AnswerJob.Event>
  ) async throws(APIError) -> ServerReply {
    var rest = events.makeAsyncIterator()
    let first = await rest.next()
    if case .failed(let error)? = first { throw error }
    let (texts, feed) = AsyncStream.makeStream(of: String.self)
    feed.yield(reply.opening)
    @Sendable func tell(_ event: AnswerJob.Event) {
      switch event {
      case .text(let text): feed.yield(reply.piece(text))
      case .done(let answer): feed.yield(reply.closing(answer))
      case .failed(let error): feed.yield(ChatReply.event(error.json))
      }
    }
    if let first { tell(first) }
    Task {
      for await event in events { tell(event) }
      feed.finish()
    }
    return ServerReply(events: texts)
  }
}
