import Tensor
import Testing

/// A kernel that asks for elements of another type is stopped, in release too.
@Suite struct KernelDoorTests {
  private func opens<T>(_ dtype: DType, _: T.Type) -> Bool {
    let tensor = Tensor.zeros([2, 3], dtype: dtype)
    return (try? withTensorErrors { UInt(bitPattern: tensor.pointer(T.self)) }) != nil
  }

  @Test func onlyTheRightTypeGetsAtTheElements() {
    for dtype in DType.allCases {
      #expect(opens(dtype, Float.self) == (dtype == .float32), "\(dtype)")
      #expect(opens(dtype, Double.self) == (dtype == .float64), "\(dtype)")
      #expect(opens(dtype, Int32.self) == (dtype == .int32), "\(dtype)")
      #expect(opens(dtype, Int64.self) == (dtype == .int64), "\(dtype)")
      #expect(opens(dtype, Int.self) == (dtype == .int64), "\(dtype)")
      #expect(opens(dtype, Float16.self) == (dtype == .float16), "\(dtype)")
      #expect(opens(dtype, BFloat16.self) == (dtype == .bfloat16), "\(dtype)")
      #expect(opens(dtype, UInt16.self) == (dtype.isHalfPrecision || dtype == .uint16), "\(dtype)")
      #expect(opens(dtype, UInt64.self) == (dtype == .uint64 || dtype == .int64), "\(dtype)")
      #expect(opens(dtype, UInt32.self) == (dtype == .uint32), "\(dtype)")
      #expect(opens(dtype, Int16.self) == (dtype == .int16), "\(dtype)")
      #expect(opens(dtype, Int8.self) == (dtype == .int8), "\(dtype)")
      #expect(opens(dtype, UInt8.self) == (dtype == .uint8 || dtype == .bool), "\(dtype)")
      #expect(opens(dtype, Bool.self) == (dtype == .bool), "\(dtype)")
    }
  }

  @Test func theMessageNamesBothTypes() {
    let tensor = Tensor.zeros([2, 3], dtype: .int64)
    #expect(throws: TensorError(operation: "Tensor", message: "a kernel of Float was given int64 [2, 3]")) {
      try withTensorErrors { UInt(bitPattern: tensor.pointer(Float.self)) }
    }
  }

  @Test func shapesMustBroadcast() {
    let tensor = Tensor.zeros([2, 3])
    #expect(tensor.broadcastStrides(to: [4, 2, 3]) == [0, 3, 1])
    #expect(throws: TensorError.self) { try withTensorErrors { tensor.broadcastStrides(to: [2, 4]) } }
    #expect(throws: TensorError.self) { try withTensorErrors { tensor.broadcastStrides(to: [3]) } }
  }
}
