import Checkpoint
import Foundation
import TestSupport
import Testing

@Suite struct HDF5RoundTripTests {
  static let arrays: [(name: String, array: StoredArray)] = [
    ("f32", StoredArray([1.5 as Float, -.infinity, .leastNonzeroMagnitude, 0.1], shape: [2, 2])),
    ("f64", StoredArray([0.1, -1e300], shape: [2, 1])),
    ("i8", StoredArray([Int8.min, 0, Int8.max])),
    ("i16", StoredArray([Int16.min, Int16.max])),
    ("i32", StoredArray([Int32.min, Int32.max])),
    ("i64", StoredArray([Int64.min, Int64.max])),
    ("u8", StoredArray([0 as UInt8, 255])),
    ("u16", StoredArray([0 as UInt16, 65535])),
    ("u32", StoredArray([UInt32.max])),
    ("u64", StoredArray([UInt64.max, 1])),
    ("bool", StoredArray([true, false, true])),
    ("half", StoredArray(.float16, shape: [2], bytes: [0x00, 0x3C, 0xFF, 0x7B])),
    ("brain", StoredArray(.bfloat16, shape: [2], bytes: [0x80, 0x3F, 0x40, 0xC0])),
    ("scalar", StoredArray([3 as Int64], shape: [])),
    ("empty", StoredArray([Float](), shape: [0, 4])),
    ("deep/er/still", StoredArray([Float.pi], shape: [1, 1, 1, 1, 1])),
  ]

  @Test func everyTypeKeepsItsBytes() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let url = folder.appendingPathComponent("all.h5")
      try HDF5File.write(to: url) { file in
        for (name, array) in Self.arrays { try file.write(array, to: name) }
      }
      let file = try HDF5File(reading: url)
      #expect(try file.datasets() == Self.arrays.map(\.name))
      #expect(try file.datasets(order: .name) == Self.arrays.map(\.name).sorted())
      for (name, array) in Self.arrays {
        #expect(try file.read(name) == array, "\(name)")
        let description = try file.description(of: "/" + name)
        #expect(description.elementType == array.elementType)
        #expect(description.shape == array.shape)
      }
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["all.h5"])
    }
  }

  @Test func sameContentSameBytes() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let contents = try ["a.h5", "b.h5"].map { name in
        let url = folder.appendingPathComponent(name)
        try HDF5File.write(to: url) { file in
          try file.setAttribute("text", .string(String(repeating: "long ", count: 30_000)))
          for (name, array) in Self.arrays { try file.write(array, to: name) }
        }
        Thread.sleep(forTimeInterval: name == "a.h5" ? 1.1 : 0)
        return try Data(contentsOf: url)
      }
      #expect(contents[0] == contents[1])
    }
  }

  @Test func attributes() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let url = folder.appendingPathComponent("attributes.h5")
      let values: [(String, HDF5Attribute)] = [
        ("a", .string("grüße 🙂")), ("b", .string("")), ("c", .strings(["x", "yz"])), ("d", .integer(.min)),
        ("e", .integers([1, 2, 3])), ("f", .real(0.1)), ("g", .reals([])), ("h", .boolean(true)),
        ("i", .string(String(repeating: "0123456789", count: 20_000))),
      ]
      try HDF5File.write(to: url) { file in
        try file.createGroup("/group/inner")
        for (name, value) in values { try file.setAttribute(name, value, on: "/group/inner") }
      }
      let file = try HDF5File(reading: url)
      let read = try file.attributes(on: "/group/inner")
      #expect(read.map(\.name) == values.map(\.0))
      #expect(read.map(\.value) == values.map(\.1))
      #expect(try file.attribute("z", on: "/group") == nil)
    }
  }

  @Test func namesThatCannotBe() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let url = folder.appendingPathComponent("names.h5")
      let one = StoredArray([1 as Float])
      #expect(throws: CheckpointError.self) {
        try HDF5File.write(to: url) { file in
          try file.write(one, to: "a")
          try file.write(one, to: "a")
        }
      }
      #expect(throws: CheckpointError.self) {
        try HDF5File.write(to: url) { file in
          try file.write(one, to: "a")
          try file.write(one, to: "a/b")
        }
      }
      #expect(throws: CheckpointError.self) { try HDF5File.write(to: url) { try $0.write(one, to: "a/./b") } }
      #expect(throws: CheckpointError.self) {
        try HDF5File.write(to: url) { try $0.setAttribute("a", .string("\0")) }
      }
      let left = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      #expect(left.isEmpty)
    }
  }

  @Test func severalThreads() throws {
    try Fixtures.withTemporaryDirectory { folder in
      DispatchQueue.concurrentPerform(iterations: 8) { index in
        let url = folder.appendingPathComponent("\(index).h5")
        let array = StoredArray([Int32](repeating: Int32(index), count: 5000))
        do {
          for _ in 0..<5 { try HDF5File.write(to: url) { try $0.write(array, to: "x") } }
          #expect(try HDF5File(reading: url).read("x") == array)
          #expect(throws: CheckpointError.self) { try HDF5File(reading: url).read("y") }
        } catch {
          Issue.record(error)
        }
      }
    }
  }
}
