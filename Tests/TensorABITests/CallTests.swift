import CTensorABI
import Testing

extension ABITests {
  @Suite struct CallTests {
    @Test func theHeaderIsTheLibrarys() { #expect(tensor_abi_version() == Int32(TENSOR_ABI_VERSION)) }

    @Test func elementsComeBack() throws {
      let x = try ABITensor([1, 2, 3, 4, 5, 6] as [Float], TENSOR_FLOAT32, shape: [2, 3])
      #expect(try x.type == TENSOR_FLOAT32 && x.shape == [2, 3] && x.floats == [1, 2, 3, 4, 5, 6])
      let wide = try ABITensor([Int64.min, 7] as [Int64], TENSOR_INT64, shape: [2])
      #expect(try wide.elements(2, Int64(0)) == [.min, 7])
      let z = try ABITensor([1, 2, 3, 4] as [Double], TENSOR_COMPLEX128, shape: [2])
      #expect(try z.type == TENSOR_COMPLEX128 && z.elements(4, 0.0) == [1, 2, 3, 4])
      let half = try ABITensor([0x3C00, 0xC000] as [UInt16], TENSOR_FLOAT16, shape: [2])
      #expect(try call("astype", [half], "dtype=float32")[0].floats == [1, -2])
      let flags = try ABITensor([1, 0] as [UInt8], TENSOR_BOOL, shape: [2])
      #expect(try call("logical_not", [flags])[0].elements(2, UInt8(9)) == [0, 1])
      let one = try ABITensor([5] as [Float], TENSOR_FLOAT32, shape: [])
      #expect(try one.shape == [] && one.floats == [5])
      #expect(try ABITensor([Float](), TENSOR_FLOAT32, shape: [2, 0]).shape == [2, 0])
    }

    @Test func stridesAreRead() throws {
      let numbers: [Float] = [1, 2, 3, 4, 5, 6]
      let columns = try ABITensor(numbers, TENSOR_FLOAT32, shape: [3, 2], strides: [1, 3])
      #expect(try columns.floats == [1, 4, 2, 5, 3, 6])
      let repeated = try ABITensor(numbers, TENSOR_FLOAT32, shape: [2, 2], strides: [0, 1])
      #expect(try repeated.floats == [1, 2, 1, 2])
      let backwards = try numbers.withUnsafeBufferPointer { buffer in
        var handle: tensor_handle = 0
        try check { tensor_create(Int32(TENSOR_FLOAT32), 1, [3], [-2], buffer.baseAddress! + 5, &handle, $0) }
        return ABITensor(handle)
      }
      #expect(try backwards.floats == [6, 4, 2])
      // At an odd address, where no kernel may read floats.
      let bytes = [UInt8](repeating: 0, count: 1) + numbers.flatMap { withUnsafeBytes(of: $0) { Array($0) } }
      let odd = try bytes.withUnsafeBytes { buffer in
        var handle: tensor_handle = 0
        try check {
          tensor_create(Int32(TENSOR_FLOAT32), 2, [2, 2], [2, 1], buffer.baseAddress! + 1, &handle, $0)
        }
        return ABITensor(handle)
      }
      #expect(try odd.floats == [1, 2, 3, 4])
    }

    @Test func operationsByName() throws {
      let x = try ABITensor([4, 7, 2, 6] as [Double], TENSOR_FLOAT64, shape: [2, 2])
      let product = try call("matmul", [call("inv", [x])[0], x])[0]
      #expect(try zip(product.elements(4, 0.0), [1, 0, 0, 1]).allSatisfy { abs($0 - $1) < 1e-12 })
      #expect(try call("sum", [x], "axes=-1;keepdims=1")[0].elements(2, 0.0) == [11, 8])
      #expect(try call("full", [], "shape=2;value=0x1.8p1;dtype=float64")[0].elements(2, 0.0) == [3, 3])
      #expect(try call("svd", [x], "full=1").count == 3)
      let row = try call("index", [x], "at=i-1 s,,-1")[0]
      #expect(try row.elements(2, 0.0) == [6, 2])
      let names = try #require(tensor_operations())
      defer { tensor_text_free(names) }
      #expect(String(cString: names).split(separator: "\n").count > 120)
    }

    @Test func assignmentChangesOneHandle() throws {
      let x = try ABITensor([1, 2, 3] as [Float], TENSOR_FLOAT32, shape: [3])
      let view = try call("index", [x], "at=s1,,")[0]
      let nine = try ABITensor([9] as [Float], TENSOR_FLOAT32, shape: [])
      let mask = try ABITensor([1, 0, 1] as [UInt8], TENSOR_BOOL, shape: [3])
      try check { tensor_assign(x.handle, "i1", nil, 0, nine.handle, $0) }
      #expect(try x.floats == [1, 9, 3] && view.floats == [2, 3])
      try check { tensor_assign(x.handle, "t", [mask.handle], 1, nine.handle, $0) }
      #expect(try x.floats == [9, 9, 9])
      #expect(
        sentence { try check { tensor_assign(x.handle, "i3", nil, 0, nine.handle, $0) } }.contains(
          "outside axis 0"))
      #expect(try x.floats == [9, 9, 9])
    }

    /// What a caller can get wrong, and what the sentence says; none of it ends the process.
    @Test func errorsAreText() throws {
      let x = try ABITensor([1, 2, 3, 4, 5, 6] as [Float], TENSOR_FLOAT32, shape: [2, 3])
      let z = try ABITensor([1, 2] as [Float], TENSOR_COMPLEX64, shape: [1])
      func of(_ name: String, _ operands: [ABITensor], _ attributes: String? = nil) -> String {
        sentence { _ = try call(name, operands, attributes) }
      }
      #expect(of("matmul", [x, x]).hasPrefix("[matmul] shapes [2, 3] and [2, 3]"))
      #expect(of("matmul", [x]).contains("needs 2 operands, found 1"))
      #expect(of("atan2", [z, z]).contains("not there for complex numbers"))
      #expect(of("nothing", []).contains("no operation is called nothing"))
      #expect(of("reshape", [x]).contains("needs the attribute shape"))
      #expect(of("reshape", [x], "shape=2,x").contains("shape: expected whole numbers, found \"2,x\""))
      #expect(of("reshape", [x], "shape=4").contains("[2, 3] has 6 elements"))
      #expect(of("sum", [x], "keepdims").contains("expected key=value"))
      #expect(of("index", [x], "at=i2").contains("index 2 is outside axis 0"))
      #expect(of("index", [x], "at=s,,0").contains("step must not be 0"))
      #expect(of("index", [x], "at=t").contains("more lists"))
      #expect(of("index", [x], "at=q").contains("\"q\" is no position"))
      #expect(of("inv", [x]).contains("[2, 3]"))
      #expect(of("full", [], "shape=-1;value=0;dtype=float32").contains("extents must not be negative"))
      #expect(of("full", [], "shape=99999999,9999999;value=0;dtype=float32").contains("beyond all memory"))
      #expect(of("full", [], "shape=1;value=300;dtype=uint8").contains("300"))
      #expect(of("roll", [x], "axis=9;shift=1").contains("out of range"))
      let singular = try ABITensor([1, 1, 1, 1] as [Float], TENSOR_FLOAT32, shape: [2, 2])
      #expect(of("inv", [singular]).contains("singular"))

      var handle: tensor_handle = 0
      func create(_ type: Int32, _ shape: [Int64]?, rank: Int32 = 1, strides: [Int64]? = nil) -> String {
        sentence { try check { tensor_create(type, rank, shape, strides, [1, 2] as [Float], &handle, $0) } }
      }
      #expect(create(77, [2]).contains("77 is the number of no type"))
      #expect(create(Int32(TENSOR_FLOAT32), [-2]).contains("must not be negative"))
      #expect(create(Int32(TENSOR_FLOAT32), nil).contains("without a shape"))
      #expect(create(Int32(TENSOR_FLOAT32), [.max]).contains("beyond all memory"))
      #expect(create(Int32(TENSOR_FLOAT32), [2], strides: [.min]).contains("beyond all memory"))
      #expect(create(Int32(TENSOR_FLOAT32), [2], rank: -1).contains("a rank is 0 to 64"))
      let noData = sentence {
        try check { tensor_create(Int32(TENSOR_FLOAT32), 1, [2], nil, nil, &handle, $0) }
      }
      #expect(noData.contains("NULL"))
      let noPlace = sentence {
        try check { tensor_create(Int32(TENSOR_FLOAT32), 1, [2], nil, [1, 2] as [Float], nil, $0) }
      }
      #expect(noPlace.contains("NULL"))
      #expect(sentence { _ = try x.elements(5, Float(0)) }.contains("takes 24 bytes, found 20"))
      // Without a place for the text there is the status alone.
      #expect(tensor_call("nothing", nil, 0, nil, nil, 0, nil, nil) == 1)
      #expect(tensor_call(nil, nil, 0, nil, nil, 0, nil, nil) == 1)
      #expect(sentence { try check { tensor_call("sum", nil, 1, nil, nil, 0, nil, $0) } }.contains("NULL"))
      let noRoom = sentence { try check { tensor_call("abs", [x.handle], 1, nil, nil, 0, nil, $0) } }
      #expect(noRoom.contains("room for 0"))
    }

    @Test func handlesAreReleasedOnce() throws {
      let before = tensor_count()
      var handle: tensor_handle = 0
      try check { tensor_create(Int32(TENSOR_FLOAT32), 1, [2], nil, [1, 2] as [Float], &handle, $0) }
      #expect(tensor_count() == before + 1)
      try check { tensor_release(handle, $0) }
      #expect(tensor_count() == before)
      #expect(sentence { try check { tensor_release(handle, $0) } }.contains("stands for no tensor"))
      #expect(
        sentence { try check { tensor_describe(handle, nil, nil, $0) } }.contains("stands for no tensor"))
      #expect(sentence { try check { tensor_release(0, $0) } }.contains("[handle] 0 stands for no tensor"))
    }
  }
}
