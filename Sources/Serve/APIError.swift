import Records

/// A request that cannot be answered, as OpenAI's API says it: a status and
/// `{"error": {"message", "type", "param", "code"}}`.
public struct APIError: Error, Equatable, Sendable {
  /// The HTTP status.
  public var status: Int
  /// A sentence: what was found, what was expected.
  public var message: String
  /// The part of the request that is to blame.
  public var param: String?
  /// A word that programs compare.
  public var code: String?
  /// Seconds after which another try makes sense.
  public var retryAfter: Int?

  /// An error.
  public init(
    _ status: Int, _ message: String, param: String? = nil, code: String? = nil, retryAfter: Int? = nil
  ) {
    self.status = status
    self.message = message
    self.param = param
    self.code = code
    self.retryAfter = retryAfter
  }

  /// OpenAI's word for the kind of error.
  public var type: String {
    switch status {
    case 401: "authentication_error"
    case 429: "rate_limit_error"
    case 500...: "server_error"
    default: "invalid_request_error"
    }
  }

  /// The body of the reply.
  var json: OrderedJSON {
    .members([
      "error": .members([
        "message": .string(message), "type": .string(type),
        "param": param.map(OrderedJSON.string) ?? .null, "code": code.map(OrderedJSON.string) ?? .null,
      ])
    ])
  }
}
