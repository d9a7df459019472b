/// What went wrong in a tensor operation: its name and the shapes or values it met.
public struct TensorError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The operation, as called.
  public let operation: String
  /// What was found and what was expected.
  public let message: String

  /// Creates an error of an operation.
  public init(operation: String, message: String) {
    self.operation = operation
    self.message = message
  }

  public var description: String { "[\(operation)] \(message)" }
}

/// Ends the program: only a mistake in the calling program leads here, never data from outside.
package func tensorFailure(_ operation: String, _ message: String) -> Never {
  fatalError(TensorError(operation: operation, message: message).description)
}

/// Traps with the operation's name and a message unless `condition` holds.
@inline(__always)
package func tensorRequire(
  _ condition: Bool, _ operation: @autoclosure () -> String, _ message: @autoclosure () -> String
) {
  if !condition { tensorFailure(operation(), message()) }
}
