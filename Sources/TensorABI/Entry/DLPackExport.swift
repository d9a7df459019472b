import CTensorABI
import Tensor

/// Memory of a tensor that somebody else holds as DLPack, until they call the deleter.
private final class DLPackHold {
  let elements: Tensor
  private let layout: UnsafeMutablePointer<Int64>
  let description: DLTensor

  /// - Parameter type: what the elements are outside; of complex ones `elements` has a last axis of two.
  init(_ elements: Tensor, as type: ElementType) {
    self.elements = elements
    var (shape, strides) = (elements.shape, elements.strides)
    if case .complex = type {
      // C order: all strides but the last one's are even.
      shape.removeLast()
      strides = strides.dropLast().map { $0 / 2 }
    }
    let rank = shape.count
    layout = .allocate(capacity: Swift.max(2 * rank, 1))
    layout.initialize(repeating: 0, count: Swift.max(2 * rank, 1))
    for axis in 0..<rank { (layout[axis], layout[rank + axis]) = (Int64(shape[axis]), Int64(strides[axis])) }
    description = DLTensor(
      data: elements.rawPointer, device: DLDevice(device_type: DLPackCode.processor, device_id: 0),
      ndim: Int32(rank), dtype: DLPackCode.type(of: type), shape: layout, strides: layout + rank,
      byte_offset: 0)
  }

  deinit { layout.deallocate() }
}

/// The tensor's memory as DLPack; see `tensor_abi.h`.
@c @implementation
public func tensor_to_dlpack(
  _ tensor: tensor_handle, _ versioned: Int32, _ copy: Int32,
  _ managed: UnsafeMutablePointer<UnsafeMutableRawPointer?>?,
  _ error: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> Int32 {
  reporting(to: error) {
    let managed = try present(managed, "to_dlpack", "the place of the result")
    let value = try HandleTable.shared.value(of: tensor)
    let mode = try CopyMode(copy, "to_dlpack")
    let elements: Tensor
    switch (value, mode) {
    case (.real(let x), .ifNeeded), (.real(let x), .never): elements = x
    case (.real(let x), .always): elements = try withTensorErrors { x.materialized() }
    case (.complex, .never):
      throw TensorError(
        operation: "to_dlpack", message: "the parts of complex numbers lie apart: they have to be copied")
    case (.complex, _): elements = try withTensorErrors { value.interleaved }
    }
    let hold = DLPackHold(elements, as: value.type)
    let context = Unmanaged.passRetained(hold).toOpaque()
    managed.pointee =
      versioned == 0
      ? plain(hold.description, context)
      : withVersion(
        hold.description, context, isCopied: mode == .always || value.type != .real(elements.dtype))
  }
}

/// Calls the deleter of DLPack memory; see `tensor_abi.h`.
@c @implementation
public func tensor_dlpack_free(_ managed: UnsafeMutableRawPointer?, _ versioned: Int32) {
  guard let managed else { return }
  if versioned == 0 {
    let held = managed.assumingMemoryBound(to: DLManagedTensor.self)
    held.pointee.deleter?(held)
  } else {
    let held = managed.assumingMemoryBound(to: DLManagedTensorVersioned.self)
    held.pointee.deleter?(held)
  }
}

private func plain(_ description: DLTensor, _ context: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
  let result = UnsafeMutablePointer<DLManagedTensor>.allocate(capacity: 1)
  result.initialize(
    to: DLManagedTensor(
      dl_tensor: description, manager_ctx: context,
      deleter: { given in
        guard let given, let context = given.pointee.manager_ctx else { return }
        Unmanaged<DLPackHold>.fromOpaque(context).release()
        given.deallocate()
      }))
  return UnsafeMutableRawPointer(result)
}

private func withVersion(
  _ description: DLTensor, _ context: UnsafeMutableRawPointer, isCopied: Bool
) -> UnsafeMutableRawPointer {
  let result = UnsafeMutablePointer<DLManagedTensorVersioned>.allocate(capacity: 1)
  result.initialize(
    to: DLManagedTensorVersioned(
      version: DLPackVersion(major: 1, minor: 0), manager_ctx: context,
      deleter: { given in
        guard let given, let context = given.pointee.manager_ctx else { return }
        Unmanaged<DLPackHold>.fromOpaque(context).release()
        given.deallocate()
      },
      // A copy is its holder's own; shared memory is read only.
      flags: isCopied ? DLPackCode.isCopied : DLPackCode.isReadOnly, dl_tensor: description))
  return UnsafeMutableRawPointer(result)
}
