import Tensor

/// The memory of an operand for the time of one call.
///
/// A failed check ends the thread of a call on the spot: what its frames hold is never let go of. So they get
/// a storage that borrows the operand's memory from a lease, and a call that failed ends the lease: the few
/// bytes of these two objects stay, and not the operand. After a call that succeeded, views among its results
/// hold the lease.
final class Lease: @unchecked Sendable {
  /// What the operand's memory belongs to; written before a call and after it failed, by the thread that
  /// waits.
  private var root: TensorStorage?

  private init(_ root: TensorStorage) { self.root = root }

  /// Runs `body` with operands that it can be cut off from, and its errors thrown.
  static func with<Result: Sendable>(
    _ operands: [ArrayValue], _ body: @escaping @Sendable ([ArrayValue]) throws -> Result
  ) throws -> Result {
    var leases: [Lease] = []
    let lent = operands.map { operand in operand.parts { leased($0, &leases) } }
    do {
      return try withTensorErrors { try body(lent) }
    } catch {
      for lease in leases { lease.root = nil }
      throw error
    }
  }

  private static func leased(_ x: Tensor, _ leases: inout [Lease]) -> Tensor {
    // A literal's four bytes are what it is.
    if x.storage.number != nil { return x }
    // A lease of a lease would make a chain of every view of a view.
    let root = (x.storage.owner as? Lease)?.root ?? x.storage
    let lease = Lease(root)
    leases.append(lease)
    let storage = TensorStorage(
      borrowing: x.storage.pointer, byteCount: x.storage.byteCount, owner: lease)
    return Tensor(storage: storage, shape: x.shape, strides: x.strides, offset: x.offset, dtype: x.dtype)
  }
}

extension ArrayValue {
  /// The same done to the tensor, or to both parts, one after the other.
  fileprivate func parts(_ body: (Tensor) -> Tensor) -> ArrayValue {
    switch self {
    case .real(let x): return .real(body(x))
    case .complex(let z):
      let (a, b) = (body(z.real), body(z.imaginary))
      return .complex(ComplexTensor(real: a, imaginary: b))
    }
  }
}
