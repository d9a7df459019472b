import NIOCore
import NIOHTTP1

/// A part of a reply on its way to the socket.
enum ReplyPart: Sendable {
  case head(HTTPResponseHead)
  case body(ByteBuffer)
  case end
}

/// Closes a connection whose client is slow: with the head of a request, with its body, with taking a reply.
final class ConnectionClock: ChannelDuplexHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias InboundOut = HTTPServerRequestPart
  typealias OutboundIn = ReplyPart
  typealias OutboundOut = HTTPServerResponsePart

  private let limits: ServerLimits
  private let connections: Connections
  private var reading: Scheduled<Void>?
  private var writing: Scheduled<Void>?

  init(limits: ServerLimits, connections: Connections) {
    self.limits = limits
    self.connections = connections
  }

  func handlerAdded(context: ChannelHandlerContext) { waitForHead(context) }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head:
      connections.isBusy(context.channel)
      reading?.cancel()
      reading = close(context, after: limits.bodySeconds)
    case .body: break
    case .end: reading?.cancel()
    }
    context.fireChannelRead(data)
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    switch unwrapOutboundIn(data) {
    case .head(let head): context.write(wrapOutboundOut(.head(head)), promise: promise)
    case .body(let bytes): context.write(wrapOutboundOut(.body(.byteBuffer(bytes))), promise: promise)
    case .end:
      context.write(wrapOutboundOut(.end(nil)), promise: promise)
      waitForHead(context)
    }
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    writing?.cancel()
    writing = context.channel.isWritable ? nil : close(context, after: limits.stallSeconds)
    context.fireChannelWritabilityChanged()
  }

  func channelInactive(context: ChannelHandlerContext) {
    reading?.cancel()
    writing?.cancel()
    connections.isGone(context.channel)
    context.fireChannelInactive()
  }

  private func waitForHead(_ context: ChannelHandlerContext) {
    connections.isIdle(context.channel)
    reading?.cancel()
    reading = close(context, after: limits.headSeconds)
  }

  private func close(_ context: ChannelHandlerContext, after seconds: Double) -> Scheduled<Void> {
    let channel = context.channel
    return context.eventLoop.scheduleTask(in: .milliseconds(Int64(seconds * 1000))) {
      channel.close(promise: nil)
    }
  }
}
