import Foundation

/// Rows of a stage that are written batch by batch, so that a killed run goes on where it was.
///
/// A batch is appended with one write and synced; a batch cut short counts as not written.
struct ResumableRows<Row: JSONRow> {
  private let url: URL
  private(set) var rows: [String: Row] = [:]

  /// Opens the rows of an earlier attempt with the same key; those of another key are removed.
  init(folder: URL, name: String, key: String, id: KeyPath<Row, String>) throws {
    url = folder.appendingPathComponent("\(name).\(key.prefix(12)).partial")
    let files = FileManager.default
    for other in try files.contentsOfDirectory(atPath: folder.path)
    where other.hasPrefix(name + ".") && other.hasSuffix(".partial") && other != url.lastPathComponent {
      try files.removeItem(at: folder.appendingPathComponent(other))
    }
    guard let data = files.contents(atPath: url.path) else { return }
    let decoder = JSONDecoder()
    var kept = Data()
    for line in data.split(separator: UInt8(ascii: "\n")) {
      guard let row = try? decoder.decode(Row.self, from: Data(line)) else { break }
      rows[row[keyPath: id]] = row
      kept += line + [UInt8(ascii: "\n")]
    }
    if kept != data { try kept.write(to: url, options: .atomic) }
  }

  /// Appends the rows of a batch.
  mutating func append(_ batch: [Row], id: KeyPath<Row, String>) throws {
    if !FileManager.default.fileExists(atPath: url.path) { try Data().write(to: url) }
    let handle = try FileHandle(forWritingTo: url)
    defer { try? handle.close() }
    try handle.seekToEnd()
    try handle.write(contentsOf: Data(batch.map(\.jsonLine).joined().utf8))
    try handle.synchronize()
    for row in batch { rows[row[keyPath: id]] = row }
  }

  /// Removes the file once the stage's own files are written.
  func discard() { try? FileManager.default.removeItem(at: url) }
}
