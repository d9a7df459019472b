import CTensorKernels

/// A value that one thread at a time looks at or changes, also after a thread ended in the middle because a
/// check failed there (``withTensorErrors(_:)``): the value is then as far as that thread had come. A `Mutex`
/// would stay locked for ever.
final class RecoveringLock<Value>: @unchecked Sendable {
  private let lock: UnsafeMutableRawPointer
  private var value: Value

  init(_ value: Value) {
    guard let lock = tk_lock_create() else { tensorFailure(MemoryPool.operation, "out of memory: a lock") }
    self.lock = lock
    self.value = value
  }

  deinit { tk_lock_destroy(lock) }

  func withLock<Result, Failure: Error>(
    _ body: (inout Value) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    tk_lock_acquire(lock)
    defer { tk_lock_release(lock) }
    return try body(&value)
  }
}
