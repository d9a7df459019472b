import Foundation
import Glibc
import LVLM
import Serve
import Synchronization
import TestSupport
import Tensor

/// A server of the tests' small model on a free port of this machine.
enum ServedFixture {
  static func model() throws -> PretrainedModel {
    try PretrainedModel.load(from: Fixtures.url("verification/llava_tiny"), template: .plain)
  }

  /// Runs `body` with the port of a server, and ends the server.
  static func serving(
    limits: ServerLimits = ServerLimits(), token: String? = nil, models: [ServedModel]? = nil,
    _ body: @escaping @Sendable (Int) throws -> Void
  ) async throws {
    let server = HTTPServer(try models ?? [ServedModel("tiny", model())], limits: limits, token: token)
    let (ports, feed) = AsyncStream.makeStream(of: Int.self)
    let running = Task { try await server.run(host: "127.0.0.1", port: 0) { feed.yield($0) } }
    defer { running.cancel() }
    var iterator = ports.makeAsyncIterator()
    guard let port = await iterator.next() else { return }
    // Blocking sockets have a thread of their own.
    try await withCheckedThrowingContinuation { (done: CheckedContinuation<Void, any Error>) in
      Thread { done.resume(with: Result { try body(port) }) }.start()
    }
    running.cancel()
    _ = await running.result
  }

  /// A small picture as a data: URL.
  static func picture(width: Int = 20, height: Int = 12, colour: RGBColour = RGBColour(200, 30, 60)) throws
    -> String
  {
    let bytes = try RGBImage(width: width, height: height, colour: colour).pngBytes()
    return "data:image/png;base64," + Data(bytes).base64EncodedString()
  }

  /// The body of a request.
  static func body(
    _ question: String = "What?", picture: String? = nil, more: String = "", tokens: Int = 8
  ) -> String {
    let image = picture.map { #"{"type": "image_url", "image_url": {"url": "\#($0)"}}, "# } ?? ""
    return #"{"model": "tiny", "temperature": 0, "max_tokens": \#(tokens)\#(more), "messages": "#
      + #"[{"role": "user", "content": [\#(image){"type": "text", "text": "\#(question)"}]}]}"#
  }
}

/// A blocking socket to a server.
final class TestClient {
  private let descriptor: Int32

  struct Reply {
    var status: Int
    var headers: [String: String]
    var body: String

    /// The JSON body.
    var json: [String: Any] {
      ((try? JSONSerialization.jsonObject(with: Data(body.utf8))) as? [String: Any]) ?? [:]
    }

    /// The sentence of an error.
    var message: String { (json["error"] as? [String: Any])?["message"] as? String ?? "" }

    /// The text of the first choice.
    var text: String {
      let choice = (json["choices"] as? [[String: Any]])?.first
      return (choice?["message"] as? [String: Any])?["content"] as? String ?? ""
    }
  }

  init(_ port: Int, timeout: Int = 180) {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(UInt16(port).bigEndian)
    address.sin_addr.s_addr = in_addr_t(UInt32(0x7F00_0001).bigEndian)
    var limit = timeval(tv_sec: timeout, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    _ = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
  }

  deinit { close(descriptor) }

  /// Sends bytes.
  /// - Returns: whether all were taken.
  @discardableResult func send(_ text: String) -> Bool {
    let bytes = Array(text.utf8)
    var sent = 0
    while sent < bytes.count {
      let count = bytes[sent...].withUnsafeBytes {
        Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { return false }
      sent += count
    }
    return true
  }

  /// Some bytes; none at the end, nil after the timeout.
  func receive() -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: 65_536)
    let count = recv(descriptor, &bytes, bytes.count, 0)
    return count < 0 ? (errno == ECONNRESET ? [] : nil) : Array(bytes[..<count])
  }

  /// A whole reply, chunks put together.
  func reply() -> Reply? {
    var bytes: [UInt8] = []
    func headEnd() -> Int? { bytes.firstRange(of: Array("\r\n\r\n".utf8))?.upperBound }
    while headEnd() == nil {
      guard let more = receive(), !more.isEmpty else { return nil }
      bytes += more
    }
    let start = headEnd()!
    let lines = String(decoding: bytes[..<start], as: UTF8.self).split(separator: "\r\n")
    var headers: [String: String] = [:]
    for line in lines.dropFirst() {
      let parts = line.split(separator: ":", maxSplits: 1)
      headers[parts[0].lowercased()] = parts[1].trimmingCharacters(in: .whitespaces)
    }
    let status = Int(lines[0].split(separator: " ")[1]) ?? 0
    let end = Array("0\r\n\r\n".utf8)
    while true {
      if let length = headers["content-length"].flatMap({ Int($0) }) {
        if bytes.count >= start + length { break }
      } else if bytes.suffix(end.count).elementsEqual(end) {
        break
      }
      guard let more = receive(), !more.isEmpty else { break }
      bytes += more
    }
    var body = Array(bytes[start...])
    if headers["transfer-encoding"] == "chunked" { body = Self.joined(body) }
    return Reply(status: status, headers: headers, body: String(decoding: body, as: UTF8.self))
  }

  private static func joined(_ chunks: [UInt8]) -> [UInt8] {
    var (rest, whole) = (chunks[...], [UInt8]())
    while let line = rest.firstRange(of: Array("\r\n".utf8)),
      let count = Int(String(decoding: rest[..<line.lowerBound], as: UTF8.self), radix: 16), count > 0,
      rest.endIndex >= line.upperBound + count
    {
      whole += rest[line.upperBound..<line.upperBound + count]
      rest = rest[min(rest.endIndex, line.upperBound + count + 2)...]
    }
    return whole
  }

  /// One request on a connection of its own.
  static func ask(
    _ port: Int, _ method: String = "POST", _ path: String = "/v1/chat/completions", _ text: String = "",
    body: String? = nil,
    headers: [String] = ["Content-Type: application/json"]
  ) -> Reply? {
    let client = TestClient(port)
    client.request(method, path, body: body ?? text, headers: headers)
    return client.reply()
  }

  func request(
    _ method: String = "POST", _ path: String = "/v1/chat/completions", body: String = "",
    headers: [String] = ["Content-Type: application/json"]
  ) {
    let length = body.isEmpty ? [] : ["Content-Length: \(body.utf8.count)"]
    let head = ["\(method) \(path) HTTP/1.1", "Host: localhost"] + headers + length
    send(head.joined(separator: "\r\n") + "\r\n\r\n" + body)
  }
}
