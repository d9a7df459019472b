import CTensorABI
import Synchronization
import Tensor
import Testing

/// How often a deleter of this file was called.
private let deletions = Atomic(0)

/// DLPack memory of six floats as another library would lend it.
private func lent(_ numbers: UnsafeMutablePointer<Float>, shape: [Int64], strides: [Int64]?)
  -> UnsafeMutablePointer<
    DLManagedTensor
  >
{
  let layout = UnsafeMutablePointer<Int64>.allocate(capacity: 2 * shape.count)
  for (index, value) in (shape + (strides ?? [])).enumerated() { layout[index] = value }
  let managed = UnsafeMutablePointer<DLManagedTensor>.allocate(capacity: 1)
  managed.initialize(
    to: DLManagedTensor(
      dl_tensor: DLTensor(
        data: numbers, device: DLDevice(device_type: 1, device_id: 0), ndim: Int32(shape.count),
        dtype: DLDataType(code: 2, bits: 32, lanes: 1), shape: layout,
        strides: strides == nil ? nil : layout + shape.count, byte_offset: 4),
      manager_ctx: nil,
      deleter: { given in
        given?.pointee.dl_tensor.shape?.deallocate()
        given?.deallocate()
        deletions.add(1, ordering: .relaxed)
      }))
  return managed
}

private func exported(_ x: ABITensor, copy: Int = TENSOR_COPY_IF_NEEDED) throws -> UnsafeMutablePointer<
  DLManagedTensor
> {
  var raw: UnsafeMutableRawPointer?
  try check { tensor_to_dlpack(x.handle, 0, Int32(copy), &raw, $0) }
  return try #require(raw).assumingMemoryBound(to: DLManagedTensor.self)
}

extension ABITests {
  @Suite struct DLPackTests {
    @Test func theTensorsOwnMemoryGoesOut() throws {
      let x = try ABITensor([1, 2, 3, 4, 5, 6] as [Float], TENSOR_FLOAT32, shape: [2, 3])
      let flipped = try call("flip", [call("matrix_transpose", [x])[0]], "axes=0")[0]
      let (first, second) = (try exported(x), try exported(flipped))
      defer {
        tensor_dlpack_free(first, 0)
        tensor_dlpack_free(second, 0)
      }
      let (a, b) = (first.pointee.dl_tensor, second.pointee.dl_tensor)
      #expect(
        a.ndim == 2 && a.dtype.code == 2 && a.dtype.bits == 32 && a.dtype.lanes == 1
          && a.device.device_type == 1)
      #expect(a.shape![0] == 2 && a.shape![1] == 3 && a.strides![0] == 3 && a.strides![1] == 1)
      #expect(b.shape![0] == 3 && b.shape![1] == 2 && b.strides![0] == -1 && b.strides![1] == 3)
      // The flipped view begins at the last column of the same memory.
      #expect(b.data! - a.data! == 8)
      #expect(b.data!.assumingMemoryBound(to: Float.self)[-1] == 2)
    }

    @Test func theMemoryIsHeldUntilTheDeleter() throws {
      var x: ABITensor? = try ABITensor([1, 2] as [Double], TENSOR_FLOAT64, shape: [2])
      let managed = try exported(x!)
      x = nil
      #expect(managed.pointee.dl_tensor.data!.assumingMemoryBound(to: Double.self)[1] == 2)
      managed.pointee.deleter?(managed)
    }

    @Test func copiesAndVersions() throws {
      let x = try ABITensor([1, 2] as [Float], TENSOR_FLOAT32, shape: [2])
      let z = try ABITensor([1, 2, 3, 4] as [Float], TENSOR_COMPLEX64, shape: [2])
      let (own, copy, pairs) = (try exported(x), try exported(x, copy: TENSOR_COPY_ALWAYS), try exported(z))
      #expect(own.pointee.dl_tensor.data != copy.pointee.dl_tensor.data)
      let numbers = pairs.pointee.dl_tensor
      #expect(
        numbers.dtype.code == 5 && numbers.dtype.bits == 64 && numbers.ndim == 1 && numbers.strides![0] == 1)
      #expect(numbers.data!.assumingMemoryBound(to: Float.self)[3] == 4)
      for managed in [own, copy, pairs] { managed.pointee.deleter?(managed) }
      #expect(sentence { _ = try exported(z, copy: TENSOR_COPY_NEVER) }.contains("have to be copied"))

      var raw: UnsafeMutableRawPointer?
      try check { tensor_to_dlpack(x.handle, 1, 0, &raw, $0) }
      let versioned = try #require(raw).assumingMemoryBound(to: DLManagedTensorVersioned.self)
      #expect(versioned.pointee.version.major == 1 && versioned.pointee.flags == 1)
      // Into another tensor, which then owns it, and back out.
      var handle: tensor_handle = 0
      try check { tensor_from_dlpack(raw, 1, 0, &handle, $0) }
      #expect(try ABITensor(handle).floats == [1, 2])
    }

    @Test func foreignMemoryIsBorrowed() throws {
      let numbers = UnsafeMutablePointer<Float>.allocate(capacity: 7)
      for index in 0..<7 { numbers[index] = Float(index) }
      defer { numbers.deallocate() }
      let before = deletions.load(ordering: .relaxed)
      var handle: tensor_handle = 0
      try check { tensor_from_dlpack(lent(numbers, shape: [3, 2], strides: [-1, 3]), 0, 0, &handle, $0) }
      #expect(tensor_release(handle, nil) == 0)
      #expect(deletions.load(ordering: .relaxed) == before + 1)

      try check { tensor_from_dlpack(lent(numbers, shape: [2, 3], strides: nil), 0, 0, &handle, $0) }
      var x: ABITensor? = ABITensor(handle)
      #expect(try x!.floats == [1, 2, 3, 4, 5, 6])
      numbers[1] = 70
      #expect(try x!.floats[0] == 70)
      // A view holds the loan; writing copies first.
      let view: ABITensor? = try call("index", [x!], "at=i0")[0]
      let nine = try ABITensor([9] as [Float], TENSOR_FLOAT32, shape: [])
      try check { tensor_assign(x!.handle, "i0", nil, 0, nine.handle, $0) }
      #expect(numbers[1] == 70)
      x = nil
      #expect(try view!.floats == [70, 2, 3])
      #expect(deletions.load(ordering: .relaxed) == before + 1)
      withExtendedLifetime(view) {}
    }

    @Test func loansEndOnce() throws {
      let numbers = UnsafeMutablePointer<Float>.allocate(capacity: 7)
      numbers.initialize(repeating: 1, count: 7)
      defer { numbers.deallocate() }
      var handle: tensor_handle = 0
      let before = deletions.load(ordering: .relaxed)
      try check { tensor_from_dlpack(lent(numbers, shape: [6], strides: nil), 0, 1, &handle, $0) }
      #expect(deletions.load(ordering: .relaxed) == before + 1)
      _ = tensor_release(handle, nil)
      #expect(deletions.load(ordering: .relaxed) == before + 1)
      // What fails leaves the loan with whoever offered it.
      let other = lent(numbers, shape: [6], strides: nil)
      other.pointee.dl_tensor.dtype.bits = 8
      #expect(
        sentence { try check { tensor_from_dlpack(other, 0, 0, &handle, $0) } }.contains("there is no float8")
      )
      other.pointee.dl_tensor.device.device_type = 2
      #expect(
        sentence { try check { tensor_from_dlpack(other, 0, 0, &handle, $0) } }.contains("found device 2"))
      #expect(deletions.load(ordering: .relaxed) == before + 1)
      tensor_dlpack_free(other, 0)
      #expect(sentence { try check { tensor_from_dlpack(nil, 0, 0, &handle, $0) } }.contains("NULL"))
    }

    /// Handles, errors, views and loans, over and over, in a process of their own: the bytes in use and the
    /// handles are those of the start.
    @Test func nothingIsLeftOfTenThousandRoundTrips() async {
      await #expect(processExitsWith: .success) {
        func roundTrip() throws {
          let x = try ABITensor([Float](repeating: 1, count: 1024), TENSOR_FLOAT32, shape: [32, 32])
          let sums = try call("sum", [call("matrix_transpose", [x])[0]], "axis=0")[0]
          let managed = try exported(sums)
          var handle: tensor_handle = 0
          try check { tensor_from_dlpack(managed, 0, 0, &handle, $0) }
          #expect(try ABITensor(handle).floats[31] == 32)
        }
        func fail() throws {
          let x = try ABITensor([Float](repeating: 1, count: 1 << 16), TENSOR_FLOAT32, shape: [1 << 16])
          #expect(sentence { _ = try call("reshape", [x], "shape=3") }.contains("65536 elements"))
          let z = try call("complex", [x, x])[0]
          let three = try ABITensor([1, 2, 3] as [Float], TENSOR_FLOAT32, shape: [3])
          #expect(sentence { _ = try call("matmul", [z, three]) }.contains("[matmul]"))
          #expect(
            sentence { try check { tensor_assign(x.handle, "i-99999999", nil, 0, x.handle, $0) } }
              != "no error")
        }
        for _ in 0..<10 { try roundTrip() }
        for _ in 0..<3 { try fail() }
        let (bytes, handles) = (TensorRuntime.bytesInUse, tensor_count())
        for index in 0..<10_000 {
          try roundTrip()
          if index % 100 == 0 { try fail() }
        }
        #expect(tensor_count() == handles)
        // What an operation that is cut off made itself stays abandoned, up to a limit.
        let kept = TensorRuntime.bytesInUse - bytes
        #expect(kept <= 9 << 20, "\(kept) bytes are kept")
      }
    }

    /// Views of views hold their first memory and no chain of one another.
    @Test func manyViewsOfViews() throws {
      var x = try ABITensor([Float](repeating: 3, count: 4), TENSOR_FLOAT32, shape: [2, 2])
      for _ in 0..<20_000 { x = try call("matrix_transpose", [x])[0] }
      #expect(try x.floats == [3, 3, 3, 3])
    }
  }
}
