import Checkpoint
import Tensor

/// A good file.
struct FuzzSample {
  let bytes: [UInt8]
  /// Parts that are followed by their checksum, as HDF5 has them. Changes inside would be refused before
  /// anything else is looked at, so most inputs get new checksums.
  var guarded: [Range<Int>] = []

  /// Finds the guarded parts of an HDF5 file: those that start with a signature and fit what follows
  /// somewhere.
  static func hdf5(_ bytes: [UInt8]) -> FuzzSample {
    let signatures = [
      "OHDR", "OCHK", "BTHD", "BTLF", "BTIN", "FRHP", "FHIB", "FAHD", "FADB", "EAHD", "EAIB", "EADB", "EASB",
    ]
    var sample = FuzzSample(bytes: bytes)
    for start in bytes.indices.dropLast(8) {
      let isSignature = signatures.contains { bytes[start...].starts(with: $0.utf8) }
      guard isSignature || bytes[start...].starts(with: [0x89, 0x48, 0x44, 0x46]) else { continue }
      let end = (start + 8..<min(bytes.count - 3, start + 4096)).first { end in
        HDF5Checksum.bytes(of: bytes[start..<end]) == Array(bytes[end..<end + 4])
      }
      if let end { sample.guarded.append(start..<end) }
    }
    return sample
  }

  /// Puts the checksums of all guarded parts in place.
  func repair(_ bytes: inout [UInt8]) {
    for part in guarded {
      bytes.replaceSubrange(part.upperBound..<part.upperBound + 4, with: HDF5Checksum.bytes(of: bytes[part]))
    }
  }
}

extension HDF5Checksum {
  fileprivate static func bytes(of part: ArraySlice<UInt8>) -> [UInt8] {
    withUnsafeBytes(of: part.withUnsafeBytes(lookup3).littleEndian, Array.init)
  }
}

/// Changes files as accidents and attackers do.
enum Mutation {
  /// One of the samples after one to six changes; rarely a sample as it is, or noise.
  static func input(_ samples: [FuzzSample], using generator: inout RandomGenerator) -> [UInt8] {
    let sample = samples[generator.integer(below: samples.count)]
    var bytes = sample.bytes
    let kind = generator.integer(below: 64)
    if kind == 0 {
      return (0..<generator.integer(below: 200)).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
    }
    let changes = kind == 1 ? 0 : 1 + generator.integer(below: 6)
    for _ in 0..<changes {
      change(&bytes, samples, using: &generator)
    }
    if !sample.guarded.isEmpty, bytes.count == sample.bytes.count, generator.integer(below: 8) > 0 {
      sample.repair(&bytes)
    }
    return bytes
  }

  /// Numbers at the edges of what fields can hold.
  private static let edges: [UInt64] = [
    0, 1, 2, 3, 7, 8, 16, 32, 63, 64, 127, 128, 255, 256, 1023, 4095, 32_767, 32_768, 65_535, 65_536, 1 << 24,
    (1 << 31) - 1, 1 << 31, (1 << 32) - 1, 1 << 32, 1 << 40, (1 << 53) + 1, 1 << 61, 1 << 62, (1 << 63) - 1,
    1 << 63, .max, .max - 7,
  ]

  private static func change(
    _ bytes: inout [UInt8], _ samples: [FuzzSample], using generator: inout RandomGenerator
  ) {
    guard !bytes.isEmpty else {
      bytes.append(UInt8(truncatingIfNeeded: generator.next()))
      return
    }
    // Headers decide: half of all changes hit the first bytes.
    let reach = generator.integer(below: 2) == 0 ? bytes.count : min(bytes.count, 256)
    let place = generator.integer(below: reach)
    switch generator.integer(below: 10) {
    case 0: bytes[place] ^= 1 << UInt8(generator.integer(below: 8))
    case 1: bytes[place] = UInt8(truncatingIfNeeded: generator.next())
    case 2: bytes[place] = [0, 1, 0x7F, 0x80, 0xFF, 0x20, 0x30, 0x39][generator.integer(below: 8)]
    case 3, 4:
      let width = [2, 4, 8][generator.integer(below: 3)]
      var value = edges[generator.integer(below: edges.count)]
      if generator.integer(below: 4) == 0 { value = UInt64(bytes.count) &+ value % 16 &- 8 }
      for index in place..<min(place + width, bytes.count) {
        bytes[index] = UInt8(truncatingIfNeeded: value)
        value >>= 8
      }
    case 5: bytes.removeSubrange(place..<min(bytes.count, place + 1 + generator.integer(below: 32)))
    case 6:
      let end = min(bytes.count, place + 1 + generator.integer(below: 64))
      bytes.insert(contentsOf: bytes[place..<end], at: generator.integer(below: bytes.count + 1))
    case 7: bytes.removeSubrange(place...)
    case 8:
      let other = samples[generator.integer(below: samples.count)].bytes
      let start = generator.integer(below: other.count)
      let piece = other[start..<min(other.count, start + 1 + generator.integer(below: 64))]
      bytes.replaceSubrange(place..<min(bytes.count, place + piece.count), with: piece)
    default: changeDigits(&bytes, from: place, using: &generator)
    }
  }

  /// Replaces the next decimal number by one that is longer, shorter or absurd.
  private static func changeDigits(
    _ bytes: inout [UInt8], from place: Int, using generator: inout RandomGenerator
  ) {
    let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
    guard let start = bytes[place...].firstIndex(where: { digits.contains($0) }) else { return }
    let end = bytes[start...].firstIndex { !digits.contains($0) } ?? bytes.count
    let texts = [
      "", "0", "-1", "1e9", "00", "\(edges[generator.integer(below: edges.count)])", "184467440737095516160",
    ]
    bytes.replaceSubrange(start..<end, with: texts[generator.integer(below: texts.count)].utf8)
  }
}
