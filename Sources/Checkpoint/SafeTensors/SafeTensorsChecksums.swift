import Foundation
import Tensor

/// The checksums of a safetensors file: `crc32` in its metadata.
///
/// The value is a list of CRC-32, eight hexadecimal digits each, with a blank between: first that of the
/// header's text, in which the digits of this one are zeros, then that of each tensor's bytes in the order of
/// the file.
struct SafeTensorsChecksums {
  /// The key in `__metadata__`.
  static let key = "crc32"
  private static let zeros = "00000000"

  private var values: [UInt32] = []

  /// The value that keeps the place of the checksums of so many tensors.
  static func placeholder(_ count: Int) -> String {
    [String](repeating: zeros, count: count + 1).joined(separator: " ")
  }

  /// Adds the next tensor.
  mutating func add(_ bytes: UnsafeRawBufferPointer) { values.append(CRC32.of(bytes)) }

  /// Puts the checksums in their place of a header that was written.
  func write(into header: String, at start: Int, of output: OutputFile) throws {
    var header = Array(header.utf8)
    guard let place = Self.place(in: header) else { return }
    let tensors = values.map { " " + CRC32.digits($0) }.joined()
    header.replaceSubrange((place + 8)..<(place + 8 + tensors.utf8.count), with: tensors.utf8)
    let text = CRC32.digits(CRC32.of(header)) + tensors
    var bytes = Array(text.utf8)
    try bytes.withUnsafeMutableBytes { try output.write(UnsafeRawBufferPointer($0), at: start + place) }
  }

  /// Where the value of the key begins in a header.
  private static func place(in header: some Collection<UInt8>) -> Int? {
    let mark = Array("\"\(key)\":\"".utf8)
    let bytes = Array(header)
    guard bytes.count >= mark.count else { return nil }
    return (0...(bytes.count - mark.count)).first { bytes[$0..<($0 + mark.count)].elementsEqual(mark) }
      .map { $0 + mark.count }
  }

  /// The metadata without the checksums, and those of the tensors after that of the header was compared; nil
  /// for a file without.
  static func verified(
    _ header: SafeTensorsHeader, _ bytes: UnsafeRawBufferPointer, file: String
  ) throws -> (metadata: [String: String], checksums: [UInt32]?) {
    var metadata = header.metadata
    guard let text = metadata.removeValue(forKey: key) else { return (metadata, nil) }
    let values = text.split(separator: " ", omittingEmptySubsequences: false).map { UInt32($0, radix: 16) }
    let length = Int(UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self)))
    var raw = [UInt8](bytes[8..<(8 + length)])
    guard values.count == header.entries.count + 1, !values.contains(nil), let place = place(in: raw) else {
      throw CheckpointError(
        .damaged, file: file, at: "__metadata__.\(key)", found: "`\(text.prefix(80))`",
        expected: "\(header.entries.count + 1) checksums of eight digits")
    }
    raw.replaceSubrange(place..<(place + 8), with: zeros.utf8)
    try compare(CRC32.of(raw), values[0]!, "header", file)
    return (metadata, values.dropFirst().map { $0! })
  }

  /// Throws unless bytes have the checksum that they had when they were written.
  static func compare(_ found: UInt32, _ expected: UInt32, _ place: String, _ file: String) throws {
    guard found != expected else { return }
    throw CheckpointError(
      .damaged, file: file, at: place, found: "bytes of CRC-32 \(CRC32.digits(found))",
      expected: "\(CRC32.digits(expected)) as when the file was written")
  }
}
