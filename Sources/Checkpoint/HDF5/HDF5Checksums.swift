import Foundation
import Tensor

/// What the checksums of an HDF5 file are made of.
///
/// Every dataset has an attribute `crc32`: the CRC-32 of its bytes, `zlib.crc32(dataset[...].tobytes())` in
/// Python. The root has `crc32_contents`, the CRC-32 of one line for each group or dataset (its number in the
/// group above, path), for each dataset (path, type, shape) and for each attribute (path, name, value),
/// sorted, each with a line feed: whatever the format itself does not guard. A file without the latter is
/// read as any other HDF5 file.
struct HDF5Checksums {
  /// The attribute of a dataset.
  static let dataName = "crc32"
  /// The attribute of the root.
  static let contentsName = "crc32_contents"

  private var lines: [String] = []
  /// Objects of each group so far.
  private var counts: [Substring: Int] = [:]

  /// Adds the next object of the group above it.
  mutating func add(object path: String) {
    let parent = path.prefix(upTo: path.lastIndex(of: "/") ?? path.startIndex)
    let number = counts[parent, default: 0]
    counts[parent] = number + 1
    lines.append("\(number)\t\(path)")
  }

  mutating func add(dataset path: String, _ type: ElementType, _ shape: [Int]) {
    lines.append("\(path)\t\(type)\t\(shape)")
  }

  mutating func add(attribute name: String, _ value: HDF5Attribute, on path: String) {
    guard name != Self.contentsName else { return }
    let full = "/" + path.split(separator: "/").joined(separator: "/")
    lines.append("\(full)@\(name)\t\(value)")
  }

  /// Whether the root says that a file has checksums.
  static func areThere(_ walk: HDF5Walk, _ root: Int) throws -> Bool {
    do {
      return try HDF5AttributeReader(walk, HDF5ObjectHeader(walk, at: root)).value(of: contentsName) != nil
    } catch let error as CheckpointError where error.kind == .unsupported {
      // An attribute of another program.
      return false
    }
  }

  /// The value of `crc32_contents`.
  var value: Int64 {
    Int64(
      lines.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        .reduce(0) { CRC32.of("\($1)\n".utf8, after: $0) } as UInt32)
  }
}

extension HDF5File {
  /// Compares what the file holds beside data with its checksum.
  func verifyContents() throws {
    guard case .integer(let expected)? = try attribute(HDF5Checksums.contentsName) else {
      throw CheckpointError(
        .damaged, file: url.path, at: "/@\(HDF5Checksums.contentsName)", found: "no whole number",
        expected: "a CRC-32")
    }
    var checksums = HDF5Checksums()
    func addAttributes(_ path: String) throws {
      for (name, value) in try attributes(on: path) { checksums.add(attribute: name, value, on: path) }
    }
    func visit(_ group: String) throws {
      try addAttributes(group)
      for entry in try entries(in: group) {
        let path = group == "/" ? "/" + entry.name : "\(group)/\(entry.name)"
        checksums.add(object: path)
        guard !entry.isGroup else {
          try visit(path)
          continue
        }
        let (type, shape) = try description(of: path)
        checksums.add(dataset: path, type, shape)
        try addAttributes(path)
      }
    }
    try visit("/")
    guard checksums.value == expected else {
      throw CheckpointError(
        .damaged, file: url.path, at: "/@\(HDF5Checksums.contentsName)",
        found: "names, shapes and attributes of CRC-32 \(Self.digits(checksums.value))",
        expected: "\(Self.digits(expected)) as when the file was written")
    }
  }

  /// Compares the bytes of a dataset with its checksum.
  static func verify(
    _ bytes: UnsafeRawBufferPointer, _ walk: HDF5Walk, _ header: HDF5ObjectHeader
  ) throws {
    let place = walk.place
    guard
      case .integer(let expected)? = try HDF5AttributeReader(walk, header).value(of: HDF5Checksums.dataName)
    else { throw walk.damage("no checksum", "the attribute \(HDF5Checksums.dataName)") }
    walk.place = place
    let found = Int64(CRC32.of(bytes))
    guard found == expected else {
      throw walk.damage(
        "data of CRC-32 \(digits(found))", "\(digits(expected)) as when the file was written")
    }
  }

  private static func digits(_ checksum: Int64) -> String {
    CRC32.digits(UInt32(truncatingIfNeeded: checksum))
  }
}
