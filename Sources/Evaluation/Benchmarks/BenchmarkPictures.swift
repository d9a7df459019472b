import Foundation
import LVLM
import Records

/// Reads the pictures of a benchmark's rows when they are needed.
package struct BenchmarkPictures: Sendable {
  let rows: BenchmarkRows

  /// The pictures of these rows.
  package init(rows: BenchmarkRows) { self.rows = rows }

  /// A picture, transparency dropped as VLMEvalKit drops it.
  /// - Throws: ``BenchmarkCellError`` for base64 or a picture that is broken.
  package func picture(_ image: BenchmarkRow.Image) throws -> RGBImage {
    switch image {
    case .file(let path):
      do {
        return try RGBImage(contentsOf: path, transparency: .dropped)
      } catch {
        throw BenchmarkCellError(column: "image_path", found: "\(error)", expected: "a picture")
      }
    case .cell(let row, let element):
      let encoded = rows.encodedPictures(row)
      let name = encoded.count == 1 ? "the picture" : "picture \(element + 1) of \(encoded.count)"
      do {
        return try RGBImage(
          decoding: Self.bytes(ofBase64: encoded[element], name: name), name: name, transparency: .dropped)
      } catch let error as ImageError {
        throw BenchmarkCellError(
          column: "image", found: "\(error)", expected: "a PNG, JPEG or WebP in base64")
      }
    }
  }

  /// What is wrong with the pictures of rows; every picture is decoded once and dropped.
  /// - Parameter progress: takes the number of rows that are done.
  package func problems(progress: (Int) throws -> Void) throws -> [(place: Int, problem: DataError)] {
    var found: [(place: Int, problem: DataError)] = []
    var known: [BenchmarkRow.Image: BenchmarkCellError?] = [:]
    let all = rows.rows
    let atATime = 64
    for start in stride(from: 0, to: all.count, by: atATime) {
      let part = all[start..<min(start + atATime, all.count)]
      var seen = Set<BenchmarkRow.Image>()
      let open = part.flatMap(\.images).filter { known[$0] == nil && seen.insert($0).inserted }
      for (image, result) in zip(open, concurrently(open.count) { _ = try picture(open[$0]) }) {
        switch result {
        case .success: known[image] = .some(nil)
        case .failure(let error as BenchmarkCellError): known[image] = error
        case .failure(let error): throw error
        }
      }
      for row in part {
        guard let error = row.images.lazy.compactMap({ known[$0] ?? nil }).first else { continue }
        found.append((row.place, rows.problem(error.problem, place: row.place)))
      }
      try progress(start + part.count)
    }
    return found
  }

  /// The bytes of a base64 text; white space in it is passed over.
  private static func bytes(ofBase64 text: String, name: String) throws -> [UInt8] {
    if let data = Data(base64Encoded: text) { return [UInt8](data) }
    let plain = text.filter { !$0.isWhitespace }
    if let data = Data(base64Encoded: plain) { return [UInt8](data) }
    let allowed = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=".utf8)
    if let (offset, byte) = plain.utf8.enumerated().first(where: { !allowed.contains($0.element) }) {
      let shown = String(decoding: [byte], as: UTF8.self)
      throw BenchmarkCellError(
        column: "image", found: "\"\(shown)\" at character \(offset + 1) of \(name)", expected: "base64")
    }
    throw BenchmarkCellError(
      column: "image", found: "\(plain.utf8.count) characters in \(name)",
      expected: "base64, a multiple of 4 characters with = only at the end")
  }
}
