import Dispatch
import Synchronization
import Tensor

/// Computes `count` independent values on as many threads as tensors use; results stand in order, failures
/// among them.
package func concurrently<Value: Sendable>(
  _ count: Int, _ body: @Sendable (Int) throws -> Value
) -> [Result<Value, any Error>] {
  let results = Mutex([Result<Value, any Error>?](repeating: nil, count: count))
  let next = Atomic(0)
  DispatchQueue.concurrentPerform(iterations: min(count, Threads.count)) { _ in
    while true {
      let index = next.add(1, ordering: .relaxed).oldValue
      if index >= count { return }
      let result = Result { try body(index) }
      results.withLock { $0[index] = result }
    }
  }
  return results.withLock { $0.compactMap { $0 } }
}

/// A value that another thread computes while the caller goes on to other things.
package final class Ahead<Value: Sendable>: Sendable {
  private let group = DispatchGroup()
  private let result = Mutex<Result<Value, any Error>?>(nil)

  /// Starts to compute.
  package init(_ body: @escaping @Sendable () throws -> Value) {
    DispatchQueue.global().async(group: group) {
      let computed = Result { try body() }
      self.result.withLock { $0 = computed }
    }
  }

  /// Waits for the value.
  /// - Throws: what computing it threw.
  package func value() throws -> Value {
    group.wait()
    return try result.withLock { $0! }.get()
  }
}
