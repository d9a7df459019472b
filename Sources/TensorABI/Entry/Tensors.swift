import CTensorABI
import Tensor

#if canImport(Glibc)
  import Glibc
#else
  import Foundation
#endif

/// The version of the C ABI; see `tensor_abi.h`.
@c @implementation
public func tensor_abi_version() -> Int32 { TENSOR_ABI_VERSION }

/// Gives back a text of the library; see `tensor_abi.h`.
@c @implementation
public func tensor_text_free(_ text: UnsafeMutablePointer<CChar>?) { free(text) }

/// A tensor with a copy of elements; see `tensor_abi.h`.
@c @implementation
public func tensor_create(
  _ dtype: Int32, _ rank: Int32, _ shape: UnsafePointer<Int64>?, _ strides: UnsafePointer<Int64>?,
  _ data: UnsafeRawPointer?, _ result: UnsafeMutablePointer<tensor_handle>?,
  _ error: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> Int32 {
  reporting(to: error) {
    let result = try present(result, "create", "the place of the result")
    guard let type = ElementType(code: dtype) else {
      throw TensorError(operation: "create", message: "\(dtype) is the number of no type")
    }
    let memory = try ForeignMemory(
      type: type, rank: rank, shape: shape, strides: strides, first: data, "create")
    result.pointee = HandleTable.shared.add(try withTensorErrors { memory.copied() })
  }
}

/// Copies the elements out; see `tensor_abi.h`.
@c @implementation
public func tensor_read(
  _ tensor: tensor_handle, _ data: UnsafeMutableRawPointer?, _ byte_count: Int64,
  _ error: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> Int32 {
  reporting(to: error) {
    let value = try HandleTable.shared.value(of: tensor)
    guard Int64(value.byteCount) == byte_count else {
      throw TensorError(
        operation: "read", message: "shape \(value.shape) takes \(value.byteCount) bytes, found \(byte_count)"
      )
    }
    if byte_count == 0 { return }
    let target = try present(data, "read", "the place of the elements")
    let elements = try Lease.with([value]) { $0[0].interleaved }
    withExtendedLifetime(elements) {
      target.copyMemory(from: elements.rawPointer, byteCount: Int(byte_count))
    }
  }
}

/// Type and number of axes; see `tensor_abi.h`.
@c @implementation
public func tensor_describe(
  _ tensor: tensor_handle, _ dtype: UnsafeMutablePointer<Int32>?, _ rank: UnsafeMutablePointer<Int32>?,
  _ error: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> Int32 {
  reporting(to: error) {
    let value = try HandleTable.shared.value(of: tensor)
    dtype?.pointee = value.type.code
    rank?.pointee = Int32(value.rank)
  }
}

/// Extents and strides; see `tensor_abi.h`.
@c @implementation
public func tensor_layout(
  _ tensor: tensor_handle, _ rank: Int32, _ shape: UnsafeMutablePointer<Int64>?,
  _ strides: UnsafeMutablePointer<Int64>?, _ error: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> Int32 {
  reporting(to: error) {
    let value = try HandleTable.shared.value(of: tensor)
    guard Int(rank) == value.rank else {
      throw TensorError(operation: "layout", message: "\(value.rank) axes, asked for \(rank)")
    }
    for axis in 0..<value.rank {
      shape?[axis] = Int64(value.shape[axis])
      strides?[axis] = Int64(value.strides[axis])
    }
  }
}

/// Lets go of a tensor; see `tensor_abi.h`.
@c @implementation
public func tensor_release(
  _ tensor: tensor_handle, _ error: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> Int32 {
  reporting(to: error) { try HandleTable.shared.remove(tensor) }
}

/// How many tensors are held; see `tensor_abi.h`.
@c @implementation
public func tensor_count() -> Int64 { Int64(HandleTable.shared.count) }
