import CTensorABI
import Tensor

/// What `copy` says in the functions of DLPack.
enum CopyMode {
  case ifNeeded, always, never

  init(_ code: Int32, _ operation: String) throws {
    switch Int(code) {
    case TENSOR_COPY_IF_NEEDED: self = .ifNeeded
    case TENSOR_COPY_ALWAYS: self = .always
    case TENSOR_COPY_NEVER: self = .never
    default: throw TensorError(operation: operation, message: "copy is 0, 1 or 2, found \(code)")
    }
  }
}

/// The numbers of dlpack.h.
enum DLPackCode {
  /// `kDLCPU`.
  static let processor: Int32 = 1
  /// `DLPACK_FLAG_BITMASK_READ_ONLY`.
  static let isReadOnly: UInt64 = 1
  /// `DLPACK_FLAG_BITMASK_IS_COPIED`.
  static let isCopied: UInt64 = 2

  private static let types: [(ElementType, code: UInt8, bits: UInt8)] = [
    (.real(.int8), 0, 8), (.real(.int16), 0, 16), (.real(.int32), 0, 32), (.real(.int64), 0, 64),
    (.real(.uint8), 1, 8), (.real(.uint16), 1, 16), (.real(.uint32), 1, 32), (.real(.uint64), 1, 64),
    (.real(.float16), 2, 16), (.real(.float32), 2, 32), (.real(.float64), 2, 64), (.real(.bfloat16), 4, 16),
    (.complex(.complex64), 5, 64), (.complex(.complex128), 5, 128), (.real(.bool), 6, 8),
  ]

  static func type(of type: ElementType) -> DLDataType {
    let found = types.first { $0.0 == type }!
    return DLDataType(code: found.code, bits: found.bits, lanes: 1)
  }

  /// - Throws: ``TensorError`` for a type that there is none of here.
  static func type(of type: DLDataType) throws -> ElementType {
    guard type.lanes == 1, let found = types.first(where: { $0.code == type.code && $0.bits == type.bits })
    else {
      let kinds = ["int", "uint", "float", "opaque", "bfloat", "complex", "bool"]
      let kind = kinds.indices.contains(Int(type.code)) ? kinds[Int(type.code)] : "type \(type.code) of"
      throw TensorError(
        operation: "from_dlpack",
        message: "there is no \(kind)\(type.bits)\(type.lanes == 1 ? "" : " in lanes of \(type.lanes)")")
    }
    return found.0
  }
}
