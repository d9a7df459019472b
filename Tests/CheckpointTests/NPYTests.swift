import Checkpoint
import Foundation
import Tensor
import TestSupport
import Testing

@Suite struct NPYTests {
  static func url(_ name: String) -> URL { Fixtures.url("numpy/\(name)") }

  @Test(arguments: [
    ("b1", ElementType.bool, DType.bool, [0, 1, 1, 1, 1, 1]), ("u1", .uint8, .uint8, [0, 1, 2, 3, 4, 5]),
    ("i1", .int8, .int8, [-2, -1, 0, 1, 2, 3]), ("i2", .int16, .int16, [-2, -1, 0, 1, 2, 3]),
    ("i4", .int32, .int32, [-2, -1, 0, 1, 2, 3]), ("i8", .int64, .int64, [-2, -1, 0, 1, 2, 3]),
    ("u2", .uint16, .uint16, [0, 1, 2, 3, 4, 5]), ("u4", .uint32, .uint32, [0, 1, 2, 3, 4, 5]),
    ("u8", .uint64, .uint64, [0, 1, 2, 3, 4, 5]),
    ("f2", .float16, .float16, [-2, -1, 0, 1, 2, 3]), ("f4", .float32, .float32, [-2, -1, 0, 1, 2, 3]),
    ("f8", .float64, .float64, [-2, -1, 0, 1, 2, 3]),
    ("big_f4", .float32, .float32, [0, 0.25, 0.5, 0.75, 1, 1.25]),
    ("big_i8", .int64, .int64, [-2, -1, 0, 1, 2, 3]),
    ("fortran_big", .int16, .int16, [0, 1, 2, 3, 4, 5]),
    ("version2", .float32, .float32, [0, 1, 2, 3, 4, 5]),
    ("version3", .float32, .float32, [0, 1, 2, 3, 4, 5]),
  ])
  func whatNumPyWrites(name: String, stored: ElementType, dtype: DType, values: [Double]) throws {
    let tensor = try NPY.read(Self.url("\(name).npy"))
    #expect(tensor.shape == [2, 3])
    #expect(tensor.dtype == dtype)
    #expect(tensor.array(of: Double.self) == values)
    let array = try NPY.readStored(Self.url("\(name).npy"))
    #expect(array.elementType == stored)
    if dtype != .bool { #expect(array.floats().map { Double($0) } == values) }
  }

  @Test func shapes() throws {
    let fortran = try NPY.read(Self.url("fortran.npy"))
    #expect(fortran.shape == [2, 3, 4])
    #expect(fortran.array(of: Double.self) == (0..<24).map { Double($0) })
    #expect(try NPY.read(Self.url("scalar.npy")).shape == [])
    #expect(try NPY.read(Self.url("scalar.npy")).item() == 2.5)
    #expect(try NPY.read(Self.url("empty.npy")).shape == [0, 3])
    #expect(try NPY.read(Self.url("one.npy")).shape == [1])
    #expect(try NPY.readStored(Self.url("u8.npy")).scalars(of: UInt64.self) == [0, 1, 2, 3, 4, 5])
  }

  @Test(arguments: ["complex", "record", "text", "object"]) func refusedTypes(_ name: String) throws {
    let error = try #require(throws: CheckpointError.self) { try NPY.read(Self.url("\(name).npy")) }
    #expect(error.kind == .unsupported)
    #expect(error.expected == "booleans, integers or floating-point numbers such as '<f4'")
  }

  @Test func bytesAreNumPys() throws {
    try Fixtures.withTemporaryDirectory { folder in
      for name in ["b1", "u1", "i1", "i4", "i8", "u8", "f2", "f4", "f8", "scalar", "empty", "one"] {
        let copy = folder.appendingPathComponent("\(name).npy")
        try NPY.write(try NPY.readStored(Self.url("\(name).npy")), to: copy)
        #expect(try Data(contentsOf: copy) == Data(contentsOf: Self.url("\(name).npy")), "\(name)")
      }
      let copy = folder.appendingPathComponent("tensor.npy")
      try NPY.write(try NPY.read(Self.url("f4.npy")).transposed().transposed(), to: copy)
      #expect(try Data(contentsOf: copy) == Data(contentsOf: Self.url("f4.npy")))
    }
  }

  @Test func bfloat16IsRefused() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let url = folder.appendingPathComponent("a.npy")
      let error = try #require(throws: CheckpointError.self) {
        try NPY.write(Tensor.zeros([2], dtype: .bfloat16), to: url)
      }
      #expect(error.kind == .unsupported && error.found == "bfloat16 values")
      #expect(!FileManager.default.fileExists(atPath: url.path))
    }
  }

  /// A file of version 1 with this header and some bytes of elements.
  static func file(_ header: String, data: Int = 8, version: UInt8 = 1, length: Int? = nil) -> [UInt8] {
    let length = length ?? header.utf8.count
    return [0x93] + Array("NUMPY".utf8) + [version, 0, UInt8(length & 0xFF), UInt8(length >> 8)] + header.utf8
      + [UInt8](repeating: 0, count: data)
  }

  @Test(arguments: [
    (file("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }"), nil as String?),
    (file("{\"shape\":(1,2),\"descr\":\"<f4\",\"fortran_order\":True}\n"), nil),
    (file("{'descr': '<f4', 'fortran_order': False, 'shape': (2L,), }"), nil),
    (Array("hello".utf8), "no NumPy signature"), ([], "no NumPy signature"),
    (file("{}", version: 4), "npy version 4.0"), (file("{}"), "header keys "),
    (file("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", length: 900), "65 bytes"),
    (file("{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }"), "8 bytes of elements"),
    (file("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }"), "8 bytes of elements"),
    (
      file("{'descr': '<f4', 'fortran_order': False, 'shape': (2), }"),
      "header byte 53: one count without a comma"
    ),
    (file("{'descr': '<f4', 'fortran_order': False, 'shape': (-2,), }"), "header byte 51: `-`"),
    (file("{'descr': '<f4', 'fortran_order': 0, 'shape': (2,), }"), "header byte 34: `0`"),
    (
      file("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }"),
      "header byte 69: a number beyond 64 bits"
    ),
    (
      file("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 4294967296, 4294967296,), }", data: 0),
      "shape [0, 4294967296, 4294967296]"
    ),
    (
      file("{'descr': '<f4', 'descr': '<f4', 'shape': (2,), }"),
      "header byte 31: the key 'descr' a second time"
    ),
    (
      file("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'x': (1,)}"),
      "header keys descr, fortran_order, shape, x"
    ),
    (file("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), } 1"), "header byte 58: `1`"),
    (file("{'descr': '<f4', 'fortran_order': False, 'shape': (2,"), "header byte 53: the end"),
    (file("{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }"), "elements of type '<c8'"),
    (file("{'descr': '|f4', 'fortran_order': False, 'shape': (2,), }"), "elements of type '|f4'"),
    (file("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }"), "elements of type a record"),
  ])
  func malformed(_ bytes: [UInt8], _ problem: String?) throws {
    try Fixtures.withTemporaryDirectory { folder in
      let url = folder.appendingPathComponent("a.npy")
      try Data(bytes).write(to: url)
      guard let problem else {
        #expect(try NPY.read(url).count == 2)
        return
      }
      let error = try #require(throws: CheckpointError.self) { try NPY.read(url) }
      #expect(error.found == problem)
      #expect(error.file == url.path)
      #expect(error.expected != nil)
    }
  }

  @Test(.enabled(if: PeerPython.has("numpy"), "needs a Python with NumPy (PEER_PYTHON)"))
  func numPyReadsOurs() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let url = folder.appendingPathComponent("a.npy")
      try NPY.write((Tensor.arange(6).to(.float64) / 4).reshaped([3, 2]).transposed(), to: url)
      let output = try PeerPython.run(
        "import numpy, sys; a = numpy.load(sys.argv[1]); print(a.dtype, a.shape, a.tolist())", [url.path])
      #expect(output.text == "float64 (2, 3) [[0.0, 0.5, 1.0], [0.25, 0.75, 1.25]]\n")
    }
  }
}
