import CTensorKernels

/// Memory of tensors: 64-byte aligned blocks that are kept when freed and handed out again, because fresh
/// pages cost more than the arithmetic done in them.
package enum MemoryPool {
  /// What a lack of memory is called in errors.
  static let operation = "allocate"

  /// An uninitialised block of at least `byteCount` bytes, 64-byte aligned. Traps when the system has none
  /// left.
  package static func allocate(byteCount: Int) -> UnsafeMutableRawPointer {
    guard let pointer = tk_pool_allocate(byteCount) else {
      tensorFailure(
        operation, "out of memory: a tensor of \(byteCount) bytes, \(TensorRuntime.bytesInUse) bytes in use")
    }
    return pointer
  }

  /// Returns a block of `allocate` to the pool.
  package static func release(_ pointer: UnsafeMutableRawPointer, byteCount: Int) {
    tk_pool_release(pointer)
  }

  /// Runs `body`, whose tensors stay: they are not put into freed blocks of up to twice their size, which
  /// would be held for as long.
  package static func forLong<R>(_ body: () throws -> R) rethrows -> R {
    tk_pool_set_for_long(true)
    defer { tk_pool_set_for_long(false) }
    return try body()
  }

  /// A typed, uninitialised block for the length of `body`.
  package static func withScratch<T, R>(
    _ type: T.Type = T.self, count: Int, _ body: (UnsafeMutablePointer<T>) throws -> R
  ) rethrows -> R {
    let byteCount = count * MemoryLayout<T>.stride
    let raw = allocate(byteCount: byteCount)
    let resource = ScopedResource.memory(raw, byteCount: byteCount)
    defer {
      resource?.keep()
      release(raw, byteCount: byteCount)
    }
    return try body(raw.bindMemory(to: T.self, capacity: count))
  }
}
