import CMIAZlib
import Foundation
import Records

/// A gzipped (or plain) IDX file of bytes: MNIST's format.
struct IDXFile: Sendable {
  /// The sizes, outermost first.
  let shape: [Int]
  /// The elements in C order.
  let bytes: [UInt8]

  /// Reads and unpacks a file.
  /// - Parameter rank: the number of sizes expected: 1 for labels, 3 for pictures.
  /// - Throws: ``DataError`` when the file is missing, cut short, damaged, or something else.
  init(contentsOf path: String, rank: Int) throws(DataError) {
    guard FileManager.default.fileExists(atPath: path) else {
      throw DataError(file: path, problem: "no such file")
    }
    guard let file = gzopen(path, "rb") else {
      throw DataError(file: path, problem: "cannot read: \(String(cString: strerror(errno)))")
    }
    defer { gzclose(file) }
    gzbuffer(file, 1 << 17)

    let headerBytes = 4 + 4 * rank
    let header = try Self.read(file, headerBytes, path, what: "the header")
    let magic = header[..<4].reduce(0) { $0 << 8 | Int($1) }
    guard magic == 0x0800 + rank else {
      throw DataError(
        file: path,
        problem:
          "not an IDX file of bytes with \(rank) sizes: expected magic number \(0x0800 + rank), found "
          + "\(magic)"
      )
    }
    let shape = (0..<rank).map { axis in
      header[(4 + 4 * axis)..<(8 + 4 * axis)].reduce(0) { $0 << 8 | Int($1) }
    }
    var count = 1
    for size in shape {
      let (product, overflow) = count.multipliedReportingOverflow(by: size)
      guard !overflow, product <= 1 << 31 else {
        throw DataError(file: path, problem: "its header claims an impossible size \(shape)")
      }
      count = product
    }
    let bytes = try Self.read(
      file, count, path, what: "\(shape.map(String.init).joined(separator: " x ")) bytes")
    var extra: UInt8 = 0
    let more = gzread(file, &extra, 1)
    guard more <= 0 else {
      throw DataError(
        file: path, problem: "has more than the \(headerBytes + count) bytes its header announces")
    }
    var code: Int32 = 0
    let words = String(cString: gzerror(file, &code))
    guard more == 0, code == Z_OK || code == Z_STREAM_END else {
      throw DataError(file: path, problem: "is damaged at its end: \(words)")
    }
    self.shape = shape
    self.bytes = bytes
  }

  private static func read(
    _ file: gzFile, _ wanted: Int, _ path: String, what: String
  ) throws(DataError) -> [UInt8] {
    var bytes: [UInt8] = []
    let block = 1 << 20
    while bytes.count < wanted {
      let size = min(block, wanted - bytes.count)
      var got: Int32 = 0
      bytes += [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
        got = gzread(file, buffer.baseAddress, UInt32(size))
        count = max(0, Int(got))
      }
      if got < 0 {
        var code: Int32 = 0
        let words = String(cString: gzerror(file, &code))
        throw DataError(file: path, problem: "cannot unpack after \(bytes.count) bytes of \(what): \(words)")
      }
      if got == 0 {
        throw DataError(
          file: path, problem: "is cut short: expected \(what), found \(bytes.count) bytes of them")
      }
    }
    return bytes
  }
}
