import Tensor

/// The element types of `TensorProto.DataType`.
enum ElementType {
  private static let names = [
    "undefined", "float32", "uint8", "int8", "uint16", "int16", "int32", "int64", "string", "bool", "float16",
    "float64", "uint32", "uint64", "complex64", "complex128", "bfloat16", "float8e4m3fn", "float8e4m3fnuz",
    "float8e5m2", "float8e5m2fnuz", "uint4", "int4", "float4e2m1", "float8e8m0", "uint2", "int2",
  ]

  /// The type of ours with this number in ONNX.
  /// - Throws: ``OnnxError`` naming a type that we do not have.
  static func dtype(_ number: Int) throws -> DType {
    guard names.indices.contains(number) else { throw OnnxError("element type \(number)") }
    guard let type = DType(rawValue: names[number]) else {
      throw OnnxError("element type \(names[number])")
    }
    return type
  }
}
