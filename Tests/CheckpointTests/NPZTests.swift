import Checkpoint
import Foundation
import Tensor
import TestSupport
import Testing

@Suite struct NPZTests {
  @Test(arguments: ["stored", "deflated"]) func whatNumPyWrites(_ name: String) throws {
    let file = try NPZ.read(Fixtures.url("numpy/\(name).npz"))
    let extra = name == "stored" ? [] : ["zeros"]
    #expect(file.names.sorted() == ["nested/name", "x"] + extra + ["ß"])
    #expect(try file.tensor("x").array() == [0, 1, 2, 3, 4, 5] as [Float])
    #expect(try file.tensor("nested/name").dtype == .float64)
    #expect(try file.tensor("nested/name").array() == [0, 1, 2, 3, 4, 5] as [Double])
    #expect(try file.tensor("ß").shape == [])
    #expect(try file.array("ß").bytes == [1])
    if name == "deflated" { #expect(try file.tensor("zeros").sum().item() == 0) }
    #expect(try file.tensors().count == file.names.count)
  }

  private let tensors = [
    ("weights/a", Tensor.arange(3000).to(.float32).reshaped([30, 100])), ("flag", Tensor(1, dtype: .bool)),
    ("empty", Tensor.zeros([0, 2], dtype: .int64)), ("größe", Tensor([0.5, -1])),
  ]

  @Test(arguments: [false, true]) func roundTrip(_ isCompressed: Bool) throws {
    try Fixtures.withTemporaryDirectory { folder in
      let url = folder.appendingPathComponent("a.npz")
      try NPZ.write(tensors.map { (name: $0.0, tensor: $0.1) }, compressed: isCompressed, to: url)
      let file = try NPZFile(reading: url)
      #expect(file.names == tensors.map(\.0))
      for (name, tensor) in tensors {
        let read = try file.tensor(name)
        #expect(read.dtype == tensor.dtype && read.shape == tensor.shape)
        #expect(read.array(of: Double.self) == tensor.array(of: Double.self))
      }
      let first = try Data(contentsOf: url)
      try NPZ.write(tensors.map { (name: $0.0, tensor: $0.1) }, compressed: isCompressed, to: url)
      #expect(try Data(contentsOf: url) == first)
      #expect((first.count < 9000) == isCompressed)
    }
  }

  @Test func manyMembers() throws {
    try Fixtures.withTemporaryDirectory { folder in
      // More than the 65535 that the plain end record can count.
      let url = folder.appendingPathComponent("a.npz")
      let one = StoredArray([1 as UInt8])
      try NPZ.write((0..<65_540).map { (name: "\($0)", array: one) }, to: url)
      let file = try NPZFile(reading: url)
      #expect(file.names.count == 65_540)
      #expect(try file.array("65539") == one)
    }
  }

  @Test func namesAreUnique() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let url = folder.appendingPathComponent("a.npz")
      let error = try #require(throws: CheckpointError.self) {
        try NPZ.write([(name: "a", tensor: Tensor(1)), (name: "a", tensor: Tensor(2))], to: url)
      }
      #expect(error.kind == .cannotWrite)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    }
  }

  /// Changes bytes of a good archive and reads everything.
  private func damaged(_ change: (inout [UInt8]) -> Void) throws -> CheckpointError? {
    try Fixtures.withTemporaryDirectory { folder in
      let url = folder.appendingPathComponent("a.npz")
      try NPZ.write(
        [(name: "x", tensor: Tensor.zeros([4000])), (name: "y", tensor: Tensor(1))], compressed: true, to: url
      )
      var bytes = [UInt8](try Data(contentsOf: url))
      change(&bytes)
      try Data(bytes).write(to: url)
      do {
        _ = try NPZFile(reading: url).tensors()
        return nil
      } catch let error as CheckpointError {
        return error
      }
    }
  }

  private func directory(_ bytes: [UInt8]) -> Int {
    Int(bytes[bytes.count - 6]) | Int(bytes[bytes.count - 5]) << 8
  }

  @Test func damagedArchives() throws {
    #expect(try damaged { _ in } == nil)
    #expect(try damaged { $0 = Array("hello".utf8) }?.kind == .wrongFormat)
    #expect(try damaged { $0 = [] }?.kind == .wrongFormat)
    #expect(try damaged { $0.removeLast(10) }?.kind == .wrongFormat)
    #expect(try damaged { $0.remove(at: 40) }?.kind == .damaged)
    let twice = try damaged { bytes in
      for start in bytes.indices where bytes[start...].starts(with: "y.npy".utf8) {
        bytes[start] = UInt8(ascii: "x")
      }
    }
    #expect(twice?.found == "two arrays of one name")
    // The directory's checksum, method, flags, packed size, size and place of the first member.
    #expect(try damaged { $0[directory($0) + 16] ^= 1 }?.found.hasPrefix("checksum") == true)
    #expect(try damaged { $0[directory($0) + 10] = 12 }?.found == "compression method 12")
    #expect(try damaged { $0[directory($0) + 8] |= 1 }?.found == "an encrypted member")
    #expect(try damaged { $0[directory($0) + 20] ^= 1 }?.kind == .damaged)
    #expect(try damaged { $0[directory($0) + 24] ^= 1 }?.found.hasPrefix("bytes that do not unpack") == true)
    #expect(try damaged { $0[directory($0) + 42] = 7 }?.found == "no member at byte 7")
    #expect(try damaged { $0[directory($0) + 46] ^= 1 }?.kind == .damaged)
    // Packed bytes.
    #expect(try damaged { $0[60] ^= 0xFF }?.kind == .damaged)
  }

  @Test func bombsAreRefused() throws {
    // A member that claims 4 GB.
    let claim = try damaged { bytes in
      let start = directory(bytes)
      for byte in 0..<4 { bytes[start + 24 + byte] = 0xF0 }
    }
    #expect(claim?.found.contains("that claim to unpack to 4042322160") == true)
    // Two entries that point to the same member.
    let shared = try damaged { bytes in
      let start = directory(bytes)
      let second = start + 46 + 5
      for byte in 0..<51 { bytes[second + byte] = bytes[start + byte] }
    }
    #expect(shared?.found.hasPrefix("members that overlap") == true)
    // Honest members that exceed the caller's limit.
    let error = try #require(throws: CheckpointError.self) {
      try NPZFile(reading: Fixtures.url("numpy/deflated.npz"), expandingAtMost: 50_000)
    }
    #expect(error.expected == "at most 1032 times as many, and 50000 in all members")
  }

  @Test(
    .enabled(if: PeerPython.has("numpy"), "needs a Python with NumPy (PEER_PYTHON)"),
    arguments: [false, true])
  func numPyReadsOurs(_ isCompressed: Bool) throws {
    try Fixtures.withTemporaryDirectory { folder in
      let url = folder.appendingPathComponent("a.npz")
      try NPZ.write(tensors.map { (name: $0.0, tensor: $0.1) }, compressed: isCompressed, to: url)
      let output = try PeerPython.run(
        """
        import numpy, sys, zipfile
        assert zipfile.ZipFile(sys.argv[1]).testzip() is None
        for name, a in numpy.load(sys.argv[1]).items(): print(name, a.dtype, a.shape, a.sum())
        """, [url.path])
      #expect(
        output.text
          == "weights/a float32 (30, 100) 4.4985e+06\nflag bool () 1\nempty int64 (0, 2) 0\ngröße float64 (2,) -0.5\n"
      )
    }
  }
}
