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
      let target = folder.appending(component: "c.h5")
      for name in ["/a", "a/", "a//b", "a/./b", "."] {
        try SafeTensors.write([(name, StoredArray([Float(1)]))], to: a)
        let error = #expect(throws: CheckpointError.self) { try WeightFile.convert(a, to: target) }
        #expect(error?.location == name)
        #expect(!FileManager.default.fileExists(atPath: target.path))
      }
      // A dataset cannot hold another one.
      try SafeTensors.write([("a", StoredArray([Float(1)])), ("a/b", StoredArray([Float(1)]))], to: a)
      #expect(throws: CheckpointError.self) { try WeightFile.convert(a, to: target) }
      try SafeTensors.write(
        [("a", StoredArray([Float(1)]))], metadata: ["hdf5.attributes": "{\"/a\":1}"], to: a)
      let other = #expect(throws: CheckpointError.self) { try WeightFile.convert(a, to: target) }
      #expect(other?.location == "__metadata__.hdf5.attributes")
      #expect(!FileManager.default.fileExists(atPath: target.path))
    }
  }

  @Test func twoWeightsOfOneNameInAnyShards() throws {
    let array = StoredArray([Float(1), 2])
    let items = ["a", "b", "a"].map { name in
      SafeTensors.Item(name: name, elementType: .float32, shape: [2]) { try array.bytes.withUnsafeBytes($0) }
    }
    for shardBytes in [4, 1 << 20] {
      try Fixtures.withTemporaryDirectory { folder in
        let error = #expect(throws: CheckpointError.self) {
          try SafeTensorsShardWriter.write(items, metadata: [:], to: folder, shardBytes: shardBytes)
        }
        #expect(error?.location == "a")
        #expect(error?.found == "two weights of this name")
        let left = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        #expect(left.isEmpty)
      }
    }
  }

  @Test func attributesOfSeveralAxesKeepTheirShape() throws {
    func text(_ shape: String) -> [String: String] {
      [
        "hdf5.attributes":
          "{\"/a\":{\"counts\":{\"integers\":[1,2,3,4,5,6],\"shape\":\(shape)},\"names\":"
          + "{\"strings\":[\"x\",\"y\"],\"shape\":[1,2,1]},\"none\":{\"reals\":[],\"shape\":[0,3]}}}"
      ]
    }
    try Fixtures.withTemporaryDirectory { folder in
      let urls = ["a.safetensors", "b.h5", "c.safetensors"].map { folder.appending(component: $0) }
      try SafeTensors.write([("a", StoredArray([Float(1)]))], metadata: text("[3,2]"), to: urls[0])
      try WeightFile.convert(urls[0], to: urls[1])
      #expect(
        try HDF5File(reading: urls[1]).attribute("counts", on: "/a") == .integers([1, 2, 3, 4, 5, 6]))
      try WeightFile.convert(urls[1], to: urls[2])
      #expect(try SafeTensorsFile(reading: urls[2]).metadata == text("[3,2]"))
      for shape in ["[3]", "[4,2]", "[-3,-2]", "[3,\"2\"]", "6", "[9223372036854775807,4]"] {
        try SafeTensors.write([("a", StoredArray([Float(1)]))], metadata: text(shape), to: urls[0])
        let error = #expect(throws: CheckpointError.self) { try WeightFile.convert(urls[0], to: urls[1]) }
        #expect(error?.location == "__metadata__.hdf5.attributes", "\(shape)")
      }
    }
  }

  /// safetensors#466 and its kind: what the other format has no place of its own for.
  @Test func attributesAndPathsComeBack() throws {
    let attributes: [(name: String, value: HDF5Attribute)] = [
      ("count", .integer(.min)), ("counts", .integers([1, .max])), ("flag", .boolean(true)),
      ("note", .string("naïve \"text\"\n")), ("notes", .strings(["a", ""])), ("scale", .real(0.1)),
      ("scales", .reals([.infinity, -0.0, .leastNonzeroMagnitude])),
    ]
    try Fixtures.withTemporaryDirectory { folder in
      let urls = ["a.h5", "b.safetensors", "c.h5", "d.safetensors"].map { folder.appending(component: $0) }
      let paths = ["/x.y", "/a/b", "/a/b.c", "/a/d/e", "/half"]
      try HDF5File.write(to: urls[0]) { file in
        for (index, path) in paths.enumerated() { try file.write(StoredArray([Int32(index)]), to: path) }
        try file.write(StoredArray(.bfloat16, shape: [1], bytes: [0, 63]), to: "/bits")
        try file.createGroup("/nothing/here")
        for place in ["/a/b", "/a", "/bits", "/half", "/nothing/here", "/"] {
          for (name, value) in attributes { try file.setAttribute(name, value, on: place) }
        }
      }
      try WeightFile.convert(urls[0], to: urls[1])
      let middle = try SafeTensorsFile(reading: urls[1])
      #expect(Set(middle.names) == Set(paths.map { String($0.dropFirst()) } + ["bits"]))
      #expect(middle.entry("bits")?.elementType == .bfloat16)
      #expect(middle.metadata["note"] == "naïve \"text\"\n")
      try WeightFile.convert(urls[1], to: urls[2])
      try WeightFile.convert(urls[2], to: urls[3])
      #expect(try Data(contentsOf: urls[1]) == Data(contentsOf: urls[3]))
      let (first, again) = (try HDF5File(reading: urls[0]), try HDF5File(reading: urls[2]))
      #expect(try Set(first.datasets()) == Set(again.datasets()))
      for path in paths + ["/bits"] { #expect(try first.read(path) == again.read(path), "\(path)") }
      for place in paths + ["/bits", "/a", "/a/d", "/nothing", "/nothing/here", "/"] {
        // The checksum of what was written covers the order in which it was.
        let (a, b) = (
          try first.attributes(on: place).filter { $0.name != "crc32_contents" },
          try again.attributes(on: place).filter { $0.name != "crc32_contents" }
        )
        #expect(a.map(\.name) == b.map(\.name), "\(place)")
        #expect(a.map(\.value) == b.map(\.value), "\(place)")
      }
    }
  }
}
