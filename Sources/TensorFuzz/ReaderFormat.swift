import ArgumentParser
import Checkpoint
import Foundation
import Tensor

/// A file format with its reader, good files to start from, and the memory its reader may take.
enum ReaderFormat: String, CaseIterable, ExpressibleByArgument {
  case npy, npz, safetensors, hdf5, gguf

  /// Keeps the inputs of the formats apart.
  var stream: UInt64 { UInt64(Self.allCases.firstIndex(of: self)!) }

  /// How many bytes of memory a reader may hold for each byte of the file, beside ``fixedMemory``.
  var memoryMultiple: Int {
    switch self {
    // Deflate can reach 1032, and an unpacked array exists twice.
    case .npz: 2200
    // So can it here; beside the array one chunk exists twice.
    case .hdf5: 3100
    // A GGUF array of bytes becomes an array of values; JSON becomes a tree.
    case .safetensors, .gguf: 256
    case .npy: 32
    }
  }

  /// Memory that does not depend on the file: buffers and, for HDF5, arrays that were never written.
  var fixedMemory: Int { self == .hdf5 ? 4 << 20 : 1 << 15 }

  /// Reads everything in a file.
  func read(_ url: URL) throws {
    switch self {
    case .npy:
      _ = try NPY.readStored(url)
      _ = try NPY.read(url)
    case .npz: _ = try NPZFile(reading: url).tensors()
    case .safetensors: _ = try SafeTensorsFile(reading: url).tensors()
    case .gguf:
      let file = try GGUFFile(reading: url)
      try all(file.entries) { _ = try file.tensor($0.name) }
    case .hdf5:
      let file = try HDF5File(reading: url)
      try all([{ _ = try file.attributes() }, { _ = try file.datasets(order: .name) }]) { try $0() }
      try all(try file.datasets()) { path in
        try all([{ _ = try file.tensor(path) }, { _ = try file.attributes(on: path) }]) { try $0() }
      }
    }
  }

  /// Calls `body` with every item also when one is refused, and then throws the first error.
  private func all<Item>(_ items: [Item], _ body: (Item) throws -> Void) throws {
    var first: (any Error)?
    for item in items {
      do { try body(item) } catch { first = first ?? error }
    }
    if let first { throw first }
  }

  /// Good files: those made here, and those of this format in another folder.
  func samples(in folder: URL, and others: URL?) throws -> [FuzzSample] {
    let found = try others.map {
      try FileManager.default.contentsOfDirectory(at: $0, includingPropertiesForKeys: nil)
    }
    let files = try (found ?? []).filter { $0.pathExtension == (self == .hdf5 ? "h5" : rawValue) }
      .sorted { $0.path < $1.path }.map { [UInt8](try Data(contentsOf: $0)) }
    let all = try samples(in: folder) + files
    return self == .hdf5 ? all.map(FuzzSample.hdf5) : all.map { FuzzSample(bytes: $0) }
  }

  private func samples(in folder: URL) throws -> [[UInt8]] {
    let url = folder.appendingPathComponent("sample.\(rawValue)")
    defer { try? FileManager.default.removeItem(at: url) }
    func bytes(_ write: () throws -> Void) throws -> [UInt8] {
      try write()
      return [UInt8](try Data(contentsOf: url))
    }
    var generator = RandomGenerator(seed: 1)
    let matrix = Tensor.randomNormal([5, 7], using: &generator)
    let arrays: [(name: String, tensor: Tensor)] = [
      ("weight", matrix), ("zeros", Tensor.zeros([40, 50])), ("flags", matrix .> 0),
      ("numbers", Tensor.arange(12).reshaped([2, 3, 2])), ("half", matrix.to(.float16)),
      ("nested/name", Tensor(1.5, dtype: .float64)), ("empty", Tensor.zeros([0, 3])),
    ]
    switch self {
    case .npy:
      let written = try arrays.map { array in try bytes { try NPY.write(array.tensor, to: url) } }
      return written + written.map(Self.exchanged) + [Self.versionTwo(written[0])]
    case .npz:
      return try [false, true].map { isCompressed in
        try bytes { try NPZ.write(arrays, compressed: isCompressed, to: url) }
      }
    case .safetensors:
      return [
        try bytes { try SafeTensors.write(arrays, metadata: ["format": "pt", "a": "ü\n"], to: url) },
        try bytes { try SafeTensors.write([arrays[0]], to: url) },
      ]
    case .gguf: return [GGUFSample.bytes(version: 3), GGUFSample.bytes(version: 2)]
    case .hdf5:
      return [
        try bytes {
          try HDF5File.write(to: url) { file in
            for array in arrays { try file.write(array.tensor, to: array.name) }
            try file.setAttribute("text", .string("grüße"))
            try file.setAttribute("numbers", .reals([0.5, 2]), on: "weight")
            try file.setAttribute("words", .strings(["a", "bc"]), on: "weight")
          }
        }
      ]
    }
  }

  /// An npy file in Fortran order and big-endian, as far as its header says.
  private static func exchanged(_ file: [UInt8]) -> [UInt8] {
    let text = String(decoding: file[10..<128], as: UTF8.self)
      .replacingOccurrences(of: "False,", with: "True, ").replacingOccurrences(of: "'<", with: "'>")
    return file[..<10] + Array(text.utf8) + file[128...]
  }

  /// An npy file with the longer length field of version 2.
  private static func versionTwo(_ file: [UInt8]) -> [UInt8] {
    file[..<6] + [2, 0, file[8], file[9], 0, 0] + file[10...]
  }
}

/// A GGUF file with every kind of metadata and every encoding that is read.
enum GGUFSample {
  static func bytes(version: UInt32) -> [UInt8] {
    var file = Builder()
    let values: [(String, UInt32, (inout Builder) -> Void)] = [
      ("general.architecture", 8, { $0.add(text: "llama") }), ("a.byte", 0, { $0.add(7 as UInt8) }),
      ("a.short", 3, { $0.add(-7 as Int16) }), ("a.float", 6, { $0.add(1.5 as Float) }),
      ("a.double", 12, { $0.add(2.5) }), ("a.truth", 7, { $0.add(1 as UInt8) }),
      ("general.alignment", 4, { $0.add(32 as UInt32) }),
      (
        "a.words", 9,
        {
          $0.add(8 as UInt32)
          $0.add(3 as UInt64)
          for word in ["<unk>", "▁a", ""] { $0.add(text: word) }
        }
      ),
      (
        "a.numbers", 9,
        {
          $0.add(5 as UInt32)
          $0.add(4 as UInt64)
          for number in 0..<4 { $0.add(Int32(number)) }
        }
      ),
    ]
    let tensors = GGUFEncoding.allCases.map { encoding in
      (encoding, encoding == .f32 ? [3, 2] : [UInt64(encoding.blockLength), 1])
    }
    file.bytes = Array("GGUF".utf8)
    file.add(version)
    file.add(UInt64(tensors.count))
    file.add(UInt64(values.count))
    for (key, type, value) in values {
      file.add(text: key)
      file.add(type)
      value(&file)
    }
    var size = 0
    for (encoding, extents) in tensors {
      file.add(text: encoding.name)
      file.add(UInt32(extents.count))
      for extent in extents { file.add(extent) }
      file.add(encoding.rawValue)
      file.add(UInt64(size))
      size += (Int(extents.reduce(1, *)) / encoding.blockLength * encoding.blockSize + 31) / 32 * 32
    }
    while file.bytes.count % 32 != 0 { file.bytes.append(0) }
    return file.bytes + (0..<size).map { UInt8($0 % 251) }
  }

  private struct Builder {
    var bytes: [UInt8] = []

    mutating func add<Value: BitwiseCopyable>(_ value: Value) { withUnsafeBytes(of: value) { bytes += $0 } }

    mutating func add(text: String) {
      add(UInt64(text.utf8.count))
      bytes += text.utf8
    }
  }
}
