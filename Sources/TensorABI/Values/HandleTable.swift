import Synchronization
import Tensor

/// The values behind handles. A handle is a number that is never used again, so that an old one is found out.
final class HandleTable: Sendable {
  static let shared = HandleTable()

  private struct Entries {
    var last: Int64 = 0
    var values: [Int64: ArrayValue] = [:]
  }

  private let entries = Mutex(Entries())

  var count: Int { entries.withLock { $0.values.count } }

  /// Holds a value under a new handle.
  func add(_ value: ArrayValue) -> Int64 {
    entries.withLock {
      $0.last += 1
      $0.values[$0.last] = value
      return $0.last
    }
  }

  /// What a handle stands for.
  func value(of handle: Int64) throws -> ArrayValue {
    guard let value = entries.withLock({ $0.values[handle] }) else { throw Self.missing(handle) }
    return value
  }

  /// Puts another value behind a handle.
  func replace(_ handle: Int64, with value: ArrayValue) throws {
    let old = entries.withLock { entries -> ArrayValue? in
      guard let old = entries.values[handle] else { return nil }
      entries.values[handle] = value
      return old
    }
    // Released here, after the lock: what it borrows may call its owner.
    if old == nil { throw Self.missing(handle) }
  }

  /// Lets go of a value.
  func remove(_ handle: Int64) throws {
    let old = entries.withLock { $0.values.removeValue(forKey: handle) }
    if old == nil { throw Self.missing(handle) }
  }

  private static func missing(_ handle: Int64) -> TensorError {
    TensorError(operation: "handle", message: "\(handle) stands for no tensor, or for none any more")
  }
}
