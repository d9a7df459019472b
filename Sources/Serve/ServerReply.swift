import Records

/// The head of a request, as the router reads it.
struct RequestHead: Sendable {
  var method: String
  /// The path without what follows a question mark.
  var path: String
  var headers: [(name: String, value: String)]

  /// The first header of a name, whatever its case.
  subscript(name: String) -> String? { headers.first { $0.name.lowercased() == name }?.value }

  init(method: String, uri: String, headers: [(name: String, value: String)] = []) {
    self.method = method
    path = String(uri.prefix { $0 != "?" && $0 != "#" })
    self.headers = headers
  }
}

/// What a server says to a request.
struct ServerReply: Sendable {
  enum Body: Sendable {
    case bytes([UInt8])
    /// Texts as they come.
    case events(AsyncStream<String>)
  }

  var status: Int
  var headers: [(name: String, value: String)]
  var body: Body

  /// A text.
  init(_ status: Int, text: String, type: String, headers: [(name: String, value: String)] = []) {
    self.status = status
    self.headers = [("Content-Type", type)] + headers
    body = .bytes(Array(text.utf8))
  }

  /// A JSON value.
  init(_ status: Int, _ json: OrderedJSON, headers: [(name: String, value: String)] = []) {
    self.init(status, text: json.line + "\n", type: "application/json", headers: headers)
  }

  /// An error.
  init(_ error: APIError, headers: [(name: String, value: String)] = []) {
    var headers = headers
    if let seconds = error.retryAfter { headers.append(("Retry-After", String(seconds))) }
    if error.status == 401 { headers.append(("WWW-Authenticate", "Bearer")) }
    self.init(error.status, error.json, headers: headers)
  }

  /// A stream of events.
  init(events: AsyncStream<String>) {
    status = 200
    headers = [("Content-Type", "text/event-stream"), ("Cache-Control", "no-store")]
    body = .events(events)
  }
}
