import CTensorKernels

/// Runs `body` and turns the first failed check of an operation into a thrown error, where it would end the
/// program otherwise.
///
///     let product = try withTensorErrors { a.matmul(b) }   // [matmul] shapes [2, 3] and [4, 5] …
///
/// Every check of every operation is caught, on whatever thread of the operation it fails: wrong shapes,
/// axes, types and indices, and a lack of memory. Swift's own traps, such as an index outside of an array,
/// are not. <doc:Errors> says what else is not, and which forms of operations throw by themselves.
///
/// `body` runs on a thread of its own while the caller waits, and a failed check ends that thread on the
/// spot: nothing after it runs, and no operation returns a made-up result. That is safe because `body` is
/// `@Sendable`: it shares no variable with the caller that could be left half changed. Three things follow:
/// - `defer` blocks and `deinit`s of the calls that were cut off do not run. Memory of tensors and records
///   that the body made are given back all the same, unless something outside uses them; what stays are a few
///   hundred bytes for each operation, and lists of the body's own.
/// - A lock that `body` holds while an operation fails stays locked.
/// - Task-local values are not seen inside. Whether operations are recorded is taken over.
///
/// Scopes may be nested; the innermost throws.
/// - Parameter body: what to run.
/// - Returns: what `body` returns.
/// - Throws: ``TensorError`` for a failed check, or what `body` throws.
public func withTensorErrors<Success: Sendable>(
  _ body: @escaping @Sendable () throws -> Success
) throws -> Success {
  let outcome = ScopeOutcome<Success>()
  let scope = TensorErrorScope { outcome.result = Result { try body() } }
  let status = withExtendedLifetime(scope) {
    tk_run_in_scope(
      { raw in
        guard let raw else { return }
        Unmanaged<TensorErrorScope>.fromOpaque(raw)._withUnsafeGuaranteedRef { $0.body() }
      }, Unmanaged.passUnretained(scope).toOpaque())
  }
  if let error = scope.close() { throw error }
  guard let result = outcome.result else {
    throw TensorError(operation: "withTensorErrors", message: "no thread can be started: error \(status)")
  }
  return try result.get()
}

/// What the body of a scope came to; written by its thread before the caller goes on.
private final class ScopeOutcome<Success>: @unchecked Sendable {
  var result: Result<Success, any Error>?
}
