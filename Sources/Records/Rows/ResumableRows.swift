import Checkpoint
import Foundation
import Tensor

/// Rows of a stage that are written batch by batch, so that a killed run goes on where it was.
///
/// A batch is appended with one write and synced; a batch cut short counts as not written. Each line begins
/// with the CRC-32 of all that is written up to its end without these digits: rows from the first one on that
/// is not as it was written are made again.
package struct ResumableRows<Row: JSONRow> {
  private let url: URL
  private var checksum: UInt32 = 0
  package private(set) var rows: [String: Row] = [:]
  /// How many rows were damaged, and are made again.
  package private(set) var damagedCount = 0

  /// Opens the rows of an earlier attempt with the same key; those of another key are removed.
  package init(folder: URL, name: String, key: String, id: KeyPath<Row, String>) throws {
    url = folder.appendingPathComponent("\(name).\(key.prefix(12)).partial")
    let files = FileManager.default
    for other in try files.contentsOfDirectory(atPath: folder.path)
    where other.hasPrefix(name + ".") && other.hasSuffix(".partial") && other != url.lastPathComponent {
      try files.removeItem(at: folder.appendingPathComponent(other))
    }
    guard files.fileExists(atPath: url.path) else { return }
    let data = try StoredBytes.read(url)
    let decoder = JSONDecoder()
    var kept = Data()
    let lines = data.split(separator: UInt8(ascii: "\n"))
    for (number, line) in lines.enumerated() {
      let text = line.dropFirst(9)
      let isComplete = text.endIndex < data.endIndex
      let next = CRC32.of(text, after: checksum)
      guard isComplete, line.prefix(9).elementsEqual((CRC32.digits(next) + " ").utf8),
        let row = try? decoder.decode(Row.self, from: Data(text))
      else {
        // The last one may have been cut short by the kill.
        damagedCount = lines.count - number - (data.last == UInt8(ascii: "\n") ? 0 : 1)
        break
      }
      checksum = next
      rows[row[keyPath: id]] = row
      kept += line + [UInt8(ascii: "\n")]
    }
    if kept != data { try AtomicFile.write(kept, to: url) }
  }

  /// Appends the rows of a batch.
  package mutating func append(_ batch: [Row], id: KeyPath<Row, String>) throws {
    var lines = ""
    for row in batch {
      let text = row.jsonLine
      checksum = CRC32.of(text.dropLast().utf8, after: checksum)
      lines += CRC32.digits(checksum) + " " + text
    }
    let isNew = !FileManager.default.fileExists(atPath: url.path)
    let file = try OutputFile(url, reportingAs: url, isAppending: true)
    try file.write(lines)
    try file.synchronize()
    try file.close()
    if isNew { try AtomicFile.synchronize(url.deletingLastPathComponent(), reportingAs: url) }
    for row in batch { rows[row[keyPath: id]] = row }
  }

  /// Removes the file once the stage's own files are written.
  package func discard() { try? FileManager.default.removeItem(at: url) }
}
