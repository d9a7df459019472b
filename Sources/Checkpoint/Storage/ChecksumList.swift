import Foundation
import Tensor

/// A list of files with their CRC-32 in the SFV format, which `cksfv -f` and `rhash -c` check: a line `path
/// CRC32` for each, paths relative to the list. A first line, a comment, has the checksum of the others.
package struct ChecksumList: Equatable, Sendable {
  /// A file of the list.
  package struct Entry: Equatable, Sendable {
    /// Its path, relative to the list.
    package var path: String
    /// Its CRC-32.
    package var crc32: UInt32

    /// A file with its checksum.
    package init(path: String, crc32: UInt32) {
      self.path = path
      self.crc32 = crc32
    }
  }

  /// The files, by path.
  package private(set) var entries: [Entry]

  /// A list of files whose checksums are known.
  package init(_ entries: [Entry]) {
    self.entries = entries.sorted { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
  }

  /// The files of a list.
  /// - Throws: ``CheckpointError``: `cannotOpen`, or `damaged` for a list that does not have its own
  ///   checksum.
  package init(reading url: URL) throws {
    let data = try StoredBytes.read(url, expected: "a list of checksums")
    let lines = data.split(separator: UInt8(ascii: "\n")).map { String(decoding: $0, as: UTF8.self) }
    entries = try lines.dropFirst().enumerated().map { number, line in
      guard let blank = line.lastIndex(of: " "),
        let checksum = UInt32(line[line.index(after: blank)...], radix: 16)
      else {
        throw CheckpointError(
          .damaged, file: url.path, at: "line \(number + 2)", found: "`\(line.prefix(80))`",
          expected: "a path and a CRC-32")
      }
      return Entry(path: String(line[..<blank]), crc32: checksum)
    }
    guard data.elementsEqual(text.utf8) else {
      throw CheckpointError(
        .damaged, file: url.path, found: "`\(lines.first?.prefix(80) ?? "")` above \(entries.count) files",
        expected: "`\(text.prefix { $0 != "\n" })`")
    }
  }

  /// The content of the list's file.
  package var text: String {
    let lines = entries.map { "\($0.path) \(CRC32.digits($0.crc32).uppercased())\n" }.joined()
    return "\(Self.mark)\(CRC32.digits(CRC32.of(lines.utf8)))\n" + lines
  }

  /// Eight digits that stand for all files and their content.
  package var digits: String { CRC32.digits(CRC32.of(text.utf8)) }

  /// The checksum of a file, nil when it is not in the list.
  package subscript(path: String) -> UInt32? { entries.first { $0.path == path }?.crc32 }

  /// Takes another checksum for a file of the list.
  package mutating func set(_ path: String, to checksum: UInt32) {
    guard let index = entries.firstIndex(where: { $0.path == path }) else { return }
    entries[index].crc32 = checksum
  }

  /// Compares a file with its entries: one of them has to be right.
  /// - Throws: as ``verify(_:in:advice:)-(Entry,_,_)``.
  package func verify(_ path: String, in folder: URL, advice: String) throws {
    let own = entries.filter { $0.path == path }
    guard let first = own.first else { return }
    guard own.count > 1 else { return try verify(first, in: folder, advice: advice) }
    let found = try StoredBytes.checksum(of: folder.appendingPathComponent(path)).crc32
    guard !own.contains(where: { $0.crc32 == found }) else { return }
    try verify(first, in: folder, advice: advice)
  }

  /// Compares a file with its entry.
  /// - Parameter advice: what to do when the change is meant.
  /// - Throws: ``CheckpointError``: `cannotOpen` when it is not there, `damaged` when it is another.
  package func verify(_ entry: Entry, in folder: URL, advice: String) throws {
    let url = folder.appendingPathComponent(entry.path).standardizedFileURL
    let (found, count) = try StoredBytes.checksum(of: url)
    guard found != entry.crc32 else { return }
    throw CheckpointError(
      .damaged, file: url.path, found: "\(count) bytes of CRC-32 \(CRC32.digits(found))",
      expected: "\(CRC32.digits(entry.crc32)) as when it was written; \(advice)")
  }
}

extension ChecksumList {
  /// The list that a file, or a folder, has to itself: `config.sfv` of `config.yaml`, `grid.sfv` of `grid`.
  package static func place(of url: URL) -> URL {
    let stem = url.deletingPathExtension().lastPathComponent
    return url.deletingLastPathComponent().appendingPathComponent(stem + ".sfv")
  }

  /// Whether a file begins as the lists here do; other programs' have no checksum of their own.
  package static func isOne(_ url: URL) -> Bool {
    guard let file = try? FileHandle(forReadingFrom: url) else { return false }
    defer { try? file.close() }
    return (try? file.read(upToCount: mark.utf8.count)) == Data(mark.utf8)
  }

  /// The list of a file; `nil` where there is none of ours.
  /// - Throws: ``CheckpointError`` of kind `damaged` that says what to do.
  package static func optional(_ url: URL) throws -> ChecksumList? {
    guard isOne(url) else { return nil }
    do {
      return try ChecksumList(reading: url)
    } catch let error as CheckpointError {
      throw CheckpointError(
        error.kind, file: error.file, at: error.location, found: error.found,
        expected: (error.expected ?? "a list of checksums") + "; remove it to read what it lists without")
    }
  }

  private static let mark = "; lines of CRC-32 "

  /// Writes a file that is replaced as a whole, and a list of its own beside it.
  ///
  /// The list comes first and has what is there so far as well: whenever the process is killed, the file is
  /// as one of the two entries says. Where there is no file yet it comes last: a list alone would ask for a
  /// file that never was.
  /// - Throws: ``CheckpointError`` of kind `cannotWrite`.
  package static func write(_ bytes: some Sequence<UInt8>, to url: URL) throws {
    let (bytes, place, name) = ([UInt8](bytes), place(of: url), url.lastPathComponent)
    let checksum = CRC32.of(bytes)
    func list(_ checksums: [UInt32]) throws {
      let entries = checksums.map { Entry(path: name, crc32: $0) }
      try AtomicFile.write(ChecksumList(entries).text.utf8, to: place)
    }
    guard let before = try? StoredBytes.checksum(of: url).crc32 else {
      unlink(place.path)
      try AtomicFile.write(bytes, to: url)
      return try list([checksum])
    }
    try list(before == checksum ? [checksum] : [checksum, before])
    try AtomicFile.write(bytes, to: url)
  }

  /// Removes a file and the list that it has to itself.
  package static func remove(_ url: URL) {
    unlink(place(of: url).path)
    unlink(url.path)
  }

  /// Lists files of a folder in a list there.
  /// - Throws: ``CheckpointError`` of kind `cannotOpen` or `cannotWrite`.
  package static func write(_ paths: [String], of folder: URL, to name: String) throws {
    let entries = try paths.map {
      Entry(path: $0, crc32: try StoredBytes.checksum(of: folder.appendingPathComponent($0)).crc32)
    }
    try AtomicFile.write(ChecksumList(entries).text.utf8, to: folder.appendingPathComponent(name))
  }

  /// The list beside the files of a saved model.
  package static let name = "checksums.sfv"

  /// Lists the files of a folder whose formats have no checksum of ours: all but weights.
  /// - Throws: ``CheckpointError`` of kind `cannotOpen` or `cannotWrite`.
  package static func write(of folder: URL) throws {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    let listed = names.filter { $0 != name && !$0.hasPrefix(".") && !$0.hasSuffix(".safetensors") }
    try write(listed, of: folder, to: name)
  }

  /// Whether a list stands beside the files of a folder: whoever wrote it gave every file a checksum.
  package static func isPresent(in folder: URL) -> Bool {
    FileManager.default.fileExists(atPath: folder.appendingPathComponent(name).path)
  }

  /// Compares a file of a folder with the list there; nothing where there is none or it does not have the
  /// file.
  /// - Throws: ``CheckpointError`` of kind `damaged`; `missing` for a file of the list that is not there.
  package static func verify(_ file: String, in folder: URL) throws {
    let place = folder.appendingPathComponent(name)
    guard let list = try optional(place), let entry = list.entries.first(where: { $0.path == file }) else {
      return
    }
    let url = folder.appendingPathComponent(file)
    guard FileManager.default.fileExists(atPath: url.path) else {
      throw CheckpointError(
        .missing, file: url.path, found: "no such file",
        expected: "that of \(name); where it is meant to be gone, remove \(place.path)")
    }
    try list.verify(entry, in: folder, advice: "where the change is meant, remove \(place.path)")
  }
}
