import CTensorABI
import Tensor

/// Memory that somebody else lent as DLPack; gives it back when the last tensor over it is gone.
private final class DLPackLoan: @unchecked Sendable {
  private let giveBack: () -> Void

  init(_ managed: UnsafeMutablePointer<DLManagedTensor>) {
    giveBack = { managed.pointee.deleter?(managed) }
  }

  init(_ managed: UnsafeMutablePointer<DLManagedTensorVersioned>) {
    giveBack = { managed.pointee.deleter?(managed) }
  }

  deinit { giveBack() }
}

/// A tensor over memory of DLPack; see `tensor_abi.h`.
@c @implementation
public func tensor_from_dlpack(
  _ managed: UnsafeMutableRawPointer?, _ versioned: Int32, _ copy: Int32,
  _ result: UnsafeMutablePointer<tensor_handle>?, _ error: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> Int32 {
  reporting(to: error) {
    let result = try present(result, "from_dlpack", "the place of the result")
    let managed = try present(managed, "from_dlpack", "the DLPack tensor")
    let mode = try CopyMode(copy, "from_dlpack")
    if versioned == 0 {
      let lent = managed.assumingMemoryBound(to: DLManagedTensor.self)
      let memory = try ForeignMemory(lent.pointee.dl_tensor)
      result.pointee = try memory.held(mode) { DLPackLoan(lent) }
    } else {
      let lent = managed.assumingMemoryBound(to: DLManagedTensorVersioned.self)
      // What comes after the version may lie elsewhere in another major one.
      guard lent.pointee.version.major == 1 else {
        throw TensorError(
          operation: "from_dlpack", message: "reads DLPack 1, found version \(lent.pointee.version.major)")
      }
      let memory = try ForeignMemory(lent.pointee.dl_tensor)
      result.pointee = try memory.held(mode) { DLPackLoan(lent) }
    }
  }
}

extension ForeignMemory {
  fileprivate init(_ tensor: DLTensor) throws {
    guard tensor.device.device_type == DLPackCode.processor else {
      throw TensorError(
        operation: "from_dlpack",
        message: "reads memory of the CPU, found device \(tensor.device.device_type)")
    }
    try self.init(
      type: DLPackCode.type(of: tensor.dtype), rank: tensor.ndim, shape: tensor.shape,
      strides: tensor.strides, first: tensor.data.map { UnsafeRawPointer($0) + Int(tensor.byte_offset) },
      "from_dlpack")
  }

  /// A handle of a value over this memory or of a copy. Only where nothing can fail any more does `taking`
  /// make the loan, whose end calls the deleter.
  fileprivate func held(_ mode: CopyMode, taking: () -> DLPackLoan) throws -> Int64 {
    if mode == .always || mode == .ifNeeded && !isAligned {
      let value = try withTensorErrors { copied() }
      _ = taking()
      return HandleTable.shared.add(value)
    }
    guard isAligned else {
      throw TensorError(
        operation: "from_dlpack", message: "elements at odd addresses have to be copied")
    }
    return HandleTable.shared.add(borrowed(owner: taking()))
  }
}
