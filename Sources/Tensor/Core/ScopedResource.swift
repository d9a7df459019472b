import CTensorKernels
import Synchronization

/// The part of a ``withTensorErrors(_:)`` in something its body has made: memory of a tensor or the record of
/// an operation.
///
/// When the body fails, the calls that were cut off still refer to what it has made, and nobody will ever
/// release that. So it is *abandoned*: it stays as it is, and the first use of it, which only somebody
/// outside of those calls can make, takes it back for good. Once more than ``abandonedLimit`` bytes are
/// abandoned, they are given back to the system, the largest first. What is used after that fails with a
/// sentence.
///
/// Outside of every scope there is no such object. One lock guards all lists; nothing is released while it is
/// held.
package final class ScopedResource: @unchecked Sendable {
  /// Bytes that may stay abandoned.
  package static let abandonedLimit = 8 << 20

  /// What giving back means.
  private enum Content {
    case memory(UnsafeMutableRawPointer)
    case record(WeakNode)
  }

  private struct WeakNode { weak var node: GradientNode? }

  /// Values of `fate` that are not the address of the scope that answers for the resource.
  private enum Fate {
    static let free: UInt = 0
    static let givenBack: UInt = 1
    static let abandoned: UInt = 2
  }

  private let fate: Atomic<UInt>
  private let content: Content
  fileprivate let cost: Int

  /// Guards all lists, that of what is abandoned among them.
  fileprivate static let abandoned = Mutex(ResourceList())

  private init(_ content: Content, cost: Int, scope: UnsafeMutableRawPointer) {
    (self.content, self.cost) = (content, cost)
    fate = Atomic(UInt(bitPattern: scope))
    Self.abandoned.withLock { _ in TensorErrorScope.at(UInt(bitPattern: scope)).resources.add(self) }
  }

  /// For a block of the pool; nil outside of every scope.
  static func memory(_ pointer: UnsafeMutableRawPointer, byteCount: Int) -> ScopedResource? {
    tk_current_scope().map { ScopedResource(.memory(pointer), cost: byteCount, scope: $0) }
  }

  /// For a record, whose tensors answer for their own memory; nil outside of every scope.
  static func record(of node: GradientNode) -> ScopedResource? {
    tk_current_scope().map { ScopedResource(.record(WeakNode(node: node)), cost: 512, scope: $0) }
  }

  /// Whether it has not been given back. Everybody who is about to use it asks, because that takes back what
  /// was abandoned, and what another thread than the scope's uses.
  package func isThere() -> Bool {
    let fate = fate.load(ordering: .acquiring)
    if fate == Fate.free || fate == UInt(bitPattern: tk_current_scope()) { return true }
    return Self.abandoned.withLock { abandoned in
      let fate = self.fate.load(ordering: .relaxed)
      if fate == Fate.givenBack { return false }
      var scope = tk_current_scope().map { TensorErrorScope.at(UInt(bitPattern: $0)) }
      while let current = scope {
        if current.address == fate { return true }
        scope = current.outer
      }
      unlink(&abandoned)
      return true
    }
  }

  /// Takes it out of its list, because something that outlives the scope refers to it, or because nothing
  /// does any more.
  /// - Returns: whether it has not been given back.
  @discardableResult
  package func keep() -> Bool {
    let fate = fate.load(ordering: .acquiring)
    if fate == Fate.free || fate == Fate.givenBack { return fate == Fate.free }
    return Self.abandoned.withLock { abandoned in
      if self.fate.load(ordering: .relaxed) == Fate.givenBack { return false }
      unlink(&abandoned)
      return true
    }
  }

  private func unlink(_ abandoned: inout ResourceList) {
    switch fate.load(ordering: .relaxed) {
    case Fate.free, Fate.givenBack: return
    case Fate.abandoned: abandoned.remove(self)
    case let scope: TensorErrorScope.at(scope).resources.remove(self)
    }
    fate.store(Fate.free, ordering: .releasing)
  }

  /// Whether both are answered for by one scope, or by none.
  package static func isShared(_ a: ScopedResource?, _ b: ScopedResource?) -> Bool {
    (a?.fate.load(ordering: .acquiring) ?? Fate.free) == (b?.fate.load(ordering: .acquiring) ?? Fate.free)
  }

  /// Ends a scope: its resources are abandoned when it has failed, else the scope outside answers for them.
  fileprivate static func close(_ scope: TensorErrorScope) {
    let givenBack = abandoned.withLock { abandoned -> [ScopedResource] in
      for resource in scope.resources.all {
        if scope.failure != nil {
          resource.fate.store(Fate.abandoned, ordering: .releasing)
          abandoned.add(resource)
        } else if let outer = scope.outer {
          resource.fate.store(outer.address, ordering: .releasing)
          outer.resources.add(resource)
        } else {
          resource.fate.store(Fate.free, ordering: .releasing)
        }
      }
      scope.resources = ResourceList()
      return abandoned.cost > abandonedLimit ? largest(of: &abandoned) : []
    }
    for resource in givenBack {
      switch resource.content {
      case .memory(let pointer): tk_pool_release(pointer)
      case .record(let weak): _ = weak.node?.takeRecord()
      }
    }
  }

  /// Takes the largest out of what is abandoned until half of the limit is left.
  private static func largest(of abandoned: inout ResourceList) -> [ScopedResource] {
    abandoned.all.sorted { $0.cost > $1.cost }.filter { resource in
      if abandoned.cost <= abandonedLimit / 2 { return false }
      abandoned.remove(resource)
      resource.fate.store(Fate.givenBack, ordering: .releasing)
      return true
    }
  }
}

/// What one scope answers for, or what is abandoned.
private struct ResourceList {
  private var resources: [ObjectIdentifier: ScopedResource] = [:]
  private(set) var cost = 0

  var all: [ScopedResource] { Array(resources.values) }

  mutating func add(_ resource: ScopedResource) {
    resources[ObjectIdentifier(resource)] = resource
    cost += resource.cost
  }

  mutating func remove(_ resource: ScopedResource) {
    if resources.removeValue(forKey: ObjectIdentifier(resource)) != nil { cost -= resource.cost }
  }
}

/// Receives the failed check of the threads that run its body, and answers for what they make.
package final class TensorErrorScope: @unchecked Sendable {
  let body: () -> Void
  /// The scope in whose body this one was opened.
  fileprivate let outer: TensorErrorScope?
  fileprivate var failure: TensorError?
  fileprivate var resources = ResourceList()

  init(_ body: @escaping () -> Void) {
    self.body = body
    outer = tk_current_scope().map { Self.at(UInt(bitPattern: $0)) }
  }

  fileprivate var address: UInt { UInt(bitPattern: Unmanaged.passUnretained(self).toOpaque()) }

  fileprivate static func at(_ address: UInt) -> TensorErrorScope {
    Unmanaged.fromOpaque(UnsafeRawPointer(bitPattern: address).unsafelyUnwrapped).takeUnretainedValue()
  }

  /// Ends the calling thread with `error` if it works for a scope; else does nothing. The first of several
  /// errors stays.
  package static func fail(_ error: TensorError) {
    guard let raw = tk_current_scope() else { return }
    record(error, at: UInt(bitPattern: raw))
    tk_leave_scope()
  }

  /// A function of its own, because whatever a function holds when its thread ends is never released.
  @inline(never)
  private static func record(_ error: TensorError, at address: UInt) {
    ScopedResource.abandoned.withLock { _ in
      let scope = at(address)
      scope.failure = scope.failure ?? error
    }
  }

  /// What the body failed with, once all of its threads have ended; lets go of everything it has made.
  func close() -> TensorError? {
    ScopedResource.close(self)
    return failure
  }
}
