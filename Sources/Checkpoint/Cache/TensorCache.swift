import Foundation
import Tensor

/// Tensors kept from one run to the next, keyed by text that says everything they depend on.
///
/// The file is written whole and in one step, so a killed process loses what it added since the last save and
/// nothing else. A file that cannot be read, or whose fingerprint differs, counts as empty: what it held is
/// computed again, never trusted.
public final class TensorCache: @unchecked Sendable {
  /// Where the cache is kept.
  public let url: URL
  /// What all entries depend on, such as a hash of the weights.
  public let fingerprint: String
  /// Why an existing file was not used, or nil.
  public let discarded: String?
  /// Entries are saved by themselves once this many were added and they are a quarter of all, so that writing
  /// the whole file again stays cheap; 0 leaves saving to ``save()``.
  public let saveInterval: Int

  private let lock = NSLock()
  private var order: [String] = []
  private var tensors: [String: Tensor] = [:]
  private var unsaved = 0

  /// The version of the file's layout.
  static let formatVersion = 2

  /// Opens a cache, taking over the entries of an existing file of the same fingerprint.
  public init(_ url: URL, fingerprint: String, saveInterval: Int = 0) {
    self.url = url
    self.fingerprint = fingerprint
    self.saveInterval = saveInterval
    guard FileManager.default.fileExists(atPath: url.path) else {
      discarded = nil
      return
    }
    do {
      let entries = try Self.read(url, fingerprint)
      order = entries.map(\.0)
      tensors = Dictionary(entries, uniquingKeysWith: { first, _ in first })
      discarded = nil
    } catch {
      discarded = "\(error)"
    }
  }

  /// Number of entries.
  public var count: Int { lock.withLock { order.count } }

  /// Keys in the order in which they were added.
  public var keys: [String] { lock.withLock { order } }

  /// The entry of a key, or nil.
  public subscript(key: String) -> Tensor? { lock.withLock { tensors[key] } }

  /// Adds an entry, or replaces the one of that key.
  /// - Throws: ``CheckpointError`` of kind `cannotWrite` when it is time to save and that fails.
  public func insert(_ tensor: Tensor, for key: String) throws {
    let isDue = lock.withLock {
      if tensors.updateValue(tensor, forKey: key) == nil { order.append(key) }
      unsaved += 1
      return saveInterval > 0 && unsaved >= saveInterval && 4 * unsaved >= order.count
    }
    if isDue { try save() }
  }

  /// The entry of a key, computed and added when absent.
  /// - Throws: what `compute` throws, or as ``insert(_:for:)``.
  public func tensor(for key: String, compute: () throws -> Tensor) throws -> Tensor {
    if let known = self[key] { return known }
    let tensor = try compute()
    try insert(tensor, for: key)
    return tensor
  }

  /// Writes all entries in one step when any were added since the last time.
  /// - Throws: ``CheckpointError`` of kind `cannotWrite`; the earlier file is then untouched.
  public func save() throws {
    try lock.withLock {
      guard unsaved > 0 else { return }
      try HDF5File.write(to: url) { file in
        try file.setAttribute("format_version", .integer(Int64(Self.formatVersion)))
        try file.setAttribute("fingerprint", .string(fingerprint))
        try file.createGroup("/entries")
        for (index, key) in order.enumerated() {
          guard let tensor = tensors[key] else { continue }
          try file.write(tensor, to: "/entries/\(index)")
          try file.setAttribute("key", .string(key), on: "/entries/\(index)")
        }
      }
      unsaved = 0
    }
  }

  private static func read(_ url: URL, _ fingerprint: String) throws -> [(String, Tensor)] {
    let file = try HDF5File(reading: url)
    guard try file.attribute("format_version") == .integer(Int64(formatVersion)), file.hasChecksums else {
      throw CheckpointError(
        .otherVersion, file: url.path, found: "another layout",
        expected: "a tensor cache of version \(formatVersion) with checksums")
    }
    guard try file.attribute("fingerprint") == .string(fingerprint) else {
      throw CheckpointError(
        .otherConfiguration, file: url.path, found: "entries of another fingerprint",
        expected: "`\(fingerprint)`")
    }
    return try file.entries(in: "/entries").map { entry in
      guard case .string(let key)? = try file.attribute("key", on: "/entries/\(entry.name)") else {
        throw CheckpointError(
          .missing, file: url.path, at: "/entries/\(entry.name)", found: "no attribute `key`",
          expected: "text")
      }
      return (key, try file.tensor("/entries/\(entry.name)"))
    }
  }
}
