#if canImport(Glibc)
  import Glibc
#else
  import Foundation
#endif

/// The memory behind one or more tensors: 64-byte aligned bytes from the pool.
///
/// A storage is shared by all views of it and is written to only while exactly one tensor refers to it
/// (copy-on-write), which is what makes ``Tensor`` safe to send between tasks.
package final class TensorStorage: @unchecked Sendable {
  private let memory: UnsafeMutableRawPointer
  package let byteCount: Int
  /// What keeps borrowed memory alive; nil for memory of the pool.
  package let owner: AnyObject?
  /// The exact number that the memory holds rounded to a Float, when the program wrote it as a literal.
  package let number: TensorNumber?
  /// The slice that this storage stands in for while a function runs for a batch; nil for memory that is
  /// there.
  package let standIn: StandIn?
  /// Set while a body of ``withTensorErrors(_:)`` makes the storage.
  private let resource: ScopedResource?

  /// Where the bytes are: the one way to them.
  package var pointer: UnsafeMutableRawPointer {
    if let standIn { return standIn.memory.pointer }
    if let resource, !resource.isThere() {
      tensorFailure(
        "Tensor", "the memory of this tensor was given back: a body of withTensorErrors made it and failed")
    }
    return memory
  }

  /// Takes uninitialised memory from the pool.
  package init(byteCount: Int) {
    self.byteCount = byteCount
    memory = MemoryPool.allocate(byteCount: byteCount)
    owner = nil
    resource = .memory(memory, byteCount: byteCount)
    number = nil
    standIn = nil
  }

  /// Memory for one Float; never written to after it has its value, so that it stays the number's.
  package init(remembering number: TensorNumber) {
    byteCount = MemoryLayout<Float>.size
    memory = MemoryPool.allocate(byteCount: byteCount)
    owner = nil
    resource = .memory(memory, byteCount: byteCount)
    self.number = number
    standIn = nil
  }

  /// Refers to memory that `owner` keeps alive, such as a mapped file; never written to.
  package init(borrowing pointer: UnsafeMutableRawPointer, byteCount: Int, owner: AnyObject) {
    memory = pointer
    self.byteCount = byteCount
    self.owner = owner
    resource = nil
    number = nil
    standIn = nil
  }

  /// Stands in for a slice: the memory is made when somebody asks for it.
  package init(standIn: StandIn, byteCount: Int) {
    memory = Self.nowhere
    self.byteCount = byteCount
    owner = standIn
    resource = nil
    number = nil
    self.standIn = standIn
  }

  private nonisolated(unsafe) static let nowhere = UnsafeMutableRawPointer(bitPattern: 64).unsafelyUnwrapped

  /// Whether the memory belongs to somebody else, or to a literal, and must be copied before writing.
  package var isBorrowed: Bool { owner != nil || number != nil }

  /// Makes the memory outlast the body of ``withTensorErrors(_:)`` that made it, if the record of `holder`,
  /// which refers to it from now on, does.
  package func outlast(with holder: GradientNode) {
    if !ScopedResource.isShared(resource, holder.resource) { resource?.keep() }
  }

  deinit {
    if resource?.keep() ?? true, owner == nil { MemoryPool.release(memory, byteCount: byteCount) }
  }
}

/// Pages that read as zeros and take no memory, behind weights that a file will replace.
private final class ZeroPages {
  let start: UnsafeMutableRawPointer
  let byteCount: Int

  /// Nil when the system has no room in the address space.
  init?(byteCount: Int) {
    // Pages that cannot be written count nowhere as memory, however many there are.
    guard let start = mmap(nil, byteCount, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0),
      start != MAP_FAILED
    else { return nil }
    (self.start, self.byteCount) = (start, byteCount)
  }

  deinit { munmap(start, byteCount) }
}

extension TensorStorage {
  /// Memory for values that will be replaced before anything computes with them.
  package static func placeholder(byteCount: Int) -> TensorStorage {
    // Below this a mapping of its own costs more than it saves.
    guard byteCount >= 1 << 16, let pages = ZeroPages(byteCount: byteCount) else {
      return TensorStorage(byteCount: byteCount)
    }
    return TensorStorage(borrowing: pages.start, byteCount: byteCount, owner: pages)
  }
}
