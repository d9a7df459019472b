import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix

/// A server of one or two models on a socket.
public final class HTTPServer: Sendable {
  private let worker: AnswerWorker
  private let router: Router
  private let limits: ServerLimits
  private let connections: Connections

  /// A server that is not listening yet.
  ///
  /// - Parameters:
  ///   - models: used by nobody else from here on.
  ///   - token: what a client has to show as `Authorization: Bearer …`; nil for nothing.
  public init(_ models: [ServedModel], limits: ServerLimits = ServerLimits(), token: String? = nil) {
    self.limits = limits
    worker = AnswerWorker(models, limits: limits)
    router = Router(worker, limits: limits, token: token)
    connections = Connections(limits: limits)
  }

  private typealias Connection = NIOAsyncChannel<HTTPServerRequestPart, ReplyPart>

  /// Listens until the task is cancelled.
  ///
  /// - Parameters:
  ///   - host: the address to listen on.
  ///   - port: 0 for any that is free.
  ///   - onListening: called with the port.
  public func run(host: String, port: Int, onListening: @Sendable (Int) -> Void) async throws {
    defer { worker.stop() }
    // A client that has gone is an error of the write, not the end of the process.
    signal(SIGPIPE, SIG_IGN)
    let (limits, connections) = (limits, connections)
    let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .serverChannelOption(.backlog, value: 512)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
      .bind(host: host, port: port) { channel in
        channel.eventLoop.makeCompletedFuture {
          let pipeline = channel.pipeline.syncOperations
          // Reading goes on while an answer is made, so that a client that leaves is noticed.
          try pipeline.configureHTTPServerPipeline(withPipeliningAssistance: false, withErrorHandling: true)
          try pipeline.addHandler(ConnectionClock(limits: limits, connections: connections))
          let connection = try Connection(wrappingChannelSynchronously: channel)
          connections.admit(channel)
          return connection
        }
      }
    onListening(listener.channel.localAddress?.port ?? port)
    try await withThrowingDiscardingTaskGroup { group in
      try await listener.executeThenClose { arriving in
        for try await connection in arriving {
          group.addTask { await self.serve(connection) }
        }
      }
      group.cancelAll()
    }
  }

  private func serve(_ connection: Connection) async {
    let isGone = Flag()
    connection.channel.closeFuture.whenComplete { _ in isGone.set() }
    do {
      try await connection.executeThenClose { inbound, outbound in
        var parts = inbound.makeAsyncIterator()
        while let part = try await parts.next() {
          guard case .head(let head) = part else { continue }
          guard try await answer(head, &parts, outbound, isGone) else { break }
        }
      }
    } catch {
      // The client went away, or was too slow; there is nobody to tell.
    }
    isGone.set()
  }

  /// Reads the rest of a request, writes the reply.
  /// - Returns: whether the connection stays open for another one.
  private func answer(
    _ head: HTTPRequestHead, _ parts: inout NIOAsyncChannelInboundStream<HTTPServerRequestPart>.AsyncIterator,
    _ outbound: NIOAsyncChannelOutboundWriter<ReplyPart>, _ isGone: Flag
  ) async throws -> Bool {
    let request = RequestHead(
      method: head.method.rawValue, uri: head.uri, headers: head.headers.map { ($0.name, $0.value) })
    if let refusal = router.refusal(request) {
      return try await refuse(refusal, head, &parts, outbound)
    }
    if request["expect"]?.lowercased() == "100-continue" {
      try await outbound.write(.head(HTTPResponseHead(version: head.version, status: .continue)))
    }
    var body: [UInt8] = []
    defer { connections.giveBodyBytes(body.count) }
    while let part = try await parts.next() {
      if case .end = part { break }
      guard case .body(let bytes) = part else { continue }
      guard body.count + bytes.readableBytes <= limits.bodyBytes else {
        return try await refuse(ServerReply(router.tooLarge(nil)), head, &parts, outbound)
      }
      guard connections.takeBodyBytes(bytes.readableBytes) else {
        let error = APIError(
          429, "too many bytes of requests are on their way; try again in a few seconds",
          code: "server_busy", retryAfter: 5)
        return try await refuse(ServerReply(error), head, &parts, outbound)
      }
      body += bytes.readableBytesView
    }
    let reply = await router.reply(request, body, isAbandoned: isGone)
    try await write(reply, head, outbound, keepsAlive: head.isKeepAlive)
    return head.isKeepAlive
  }

  /// Writes a reply, then lets the client finish what it is sending, unread: closed at once, the connection
  /// could be gone before the reply is read.
  private func refuse(
    _ reply: ServerReply, _ head: HTTPRequestHead,
    _ parts: inout NIOAsyncChannelInboundStream<HTTPServerRequestPart>.AsyncIterator,
    _ outbound: NIOAsyncChannelOutboundWriter<ReplyPart>
  ) async throws -> Bool {
    let hasBody =
      head.headers.contains(name: "transfer-encoding")
      || head.headers.first(name: "content-length").map { $0 != "0" } ?? false
    let keepsAlive = head.isKeepAlive && !hasBody
    try await write(reply, head, outbound, keepsAlive: keepsAlive)
    while let part = try await parts.next() {
      if case .end = part { break }
    }
    return keepsAlive
  }

  private func write(
    _ reply: ServerReply, _ request: HTTPRequestHead, _ outbound: NIOAsyncChannelOutboundWriter<ReplyPart>,
    keepsAlive: Bool
  ) async throws {
    var headers = HTTPHeaders(reply.headers)
    headers.add(name: "X-Content-Type-Options", value: "nosniff")
    headers.add(name: "Connection", value: keepsAlive ? "keep-alive" : "close")
    if case .bytes(let bytes) = reply.body { headers.add(name: "Content-Length", value: "\(bytes.count)") }
    try await outbound.write(
      .head(
        HTTPResponseHead(
          version: request.version, status: HTTPResponseStatus(statusCode: reply.status), headers: headers)))
    switch reply.body {
    case .bytes(let bytes): try await outbound.write(.body(ByteBuffer(bytes: bytes)))
    case .events(let texts):
      for await text in texts { try await outbound.write(.body(ByteBuffer(string: text))) }
    }
    try await outbound.write(.end)
  }
}
