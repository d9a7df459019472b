import Checkpoint
import Foundation
import TestSupport
import Testing

@Suite struct WeightFileTests {
  @Test func safetensorsToHDF5AndBackIsExact() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let urls = ["a.safetensors", "b.h5", "c.safetensors"].map { folder.appending(component: $0) }
      let types: [ElementType] = [
        .float16, .bfloat16, .float32, .float64, .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32,
        .uint64,
      ]
      var arrays = types.map { type in
        (
          name: "layers.0.\(type.rawValue)",
          array: StoredArray(
            type, shape: [2, 3],
            bytes: (0..<6 * type.byteSize).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 11) })
        )
      }
      arrays.append(("flags", StoredArray([true, false, true])))
      arrays.append(("empty", StoredArray([Float](), shape: [0, 4])))
      arrays.append(("single", StoredArray([Float(1.5)], shape: [])))
      try SafeTensors.write(arrays, metadata: ["format": "pt", "note": "naïve"], to: urls[0])
      try WeightFile.convert(urls[0], to: urls[1])
      try WeightFile.convert(urls[1], to: urls[2])
      #expect(try Data(contentsOf: urls[0]) == Data(contentsOf: urls[2]))
    }
  }

  @Test func whatCannotBeConverted() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let (a, b) = (folder.appending(component: "a.safetensors"), folder.appending(component: "b.npy"))
      let error = #expect(throws: CheckpointError.self) { try WeightFile.convert(a, to: b) }
      #expect(error?.found == ".safetensors to .npy")
      try SafeTensors.write([("a/b", StoredArray([Float(1)]))], to: a)
      let target = folder.appending(component: "c.h5")
      #expect(throws: CheckpointError.self) { try WeightFile.convert(a, to: target) }
      #expect(!FileManager.default.fileExists(atPath: target.path))
    }
  }
}
