import Checkpoint
import Foundation
import Tensor
import TestSupport
import Testing

@Suite struct TensorBridgeTests {
  @Test(arguments: DType.allCases) func everyTypeThroughEveryFormat(dtype: DType) throws {
    try Fixtures.withTemporaryDirectory { folder in
      for shape in [[], [0, 3], [2, 3]] {
        let tensor = (Tensor.arange(shape.reduce(1, *)).to(.float64) * 0.75).to(dtype).reshaped(shape)
        let hdf5 = folder.appendingPathComponent("a.h5")
        try HDF5File.write(to: hdf5) { try $0.write(tensor, to: "x") }
        let safe = folder.appendingPathComponent("a.safetensors")
        try SafeTensors.write([("x", tensor)], to: safe)
        for read in [try HDF5File(reading: hdf5).tensor("x"), try SafeTensors.read(safe).tensor("x")] {
          #expect(read.dtype == dtype)
          #expect(StoredArray(read) == StoredArray(tensor))
        }
      }
    }
  }

  @Test func viewsAreWrittenInCOrder() {
    let tensor = Tensor([1, 2, 3, 4, 5, 6] as [Float], shape: [2, 3])
    #expect(StoredArray(tensor.transposed()) == StoredArray([1, 4, 2, 5, 3, 6] as [Float], shape: [3, 2]))
    #expect(StoredArray(tensor.slice(axis: 1, 1..<2)) == StoredArray([2, 5] as [Float], shape: [2, 1]))
  }

  @Test func everyTypeIsATensorsOwn() throws {
    for type in ElementType.allCases { #expect(ElementType(type.dtype) == type) }
    #expect(StoredArray([Int8.min, 5]).tensor.array(of: Int8.self) == [-128, 5])
    #expect(StoredArray([UInt16.max]).tensor.array(of: UInt16.self) == [65535])
    #expect(StoredArray([UInt64.max]).tensor.array(of: UInt64.self) == [.max])
    #expect(StoredArray(.bool, shape: [2], bytes: [7, 0]).tensor.array(of: Bool.self) == [true, false])
    try Fixtures.withTemporaryDirectory { folder in
      let url = folder.appendingPathComponent("a.safetensors")
      try SafeTensors.write([("x", StoredArray([UInt64.max]))], to: url)
      #expect(try SafeTensors.read(url).tensor("x").array(of: UInt64.self) == [.max])
      let missing = #expect(throws: CheckpointError.self) { try SafeTensors.read(url).tensor("y") }
      #expect(missing?.description == "\(url.path): y: found no tensor of that name")
    }
  }
}
