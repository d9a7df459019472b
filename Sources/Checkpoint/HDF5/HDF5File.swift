import Foundation

/// An HDF5 file, open for reading.
///
/// Paths inside the file are written with slashes: `/model/lm_head/weight`. Booleans, half precision and
/// strings follow h5py's conventions, bfloat16 follows Keras' (16-bit integers with an attribute
/// `dtype = "bfloat16"`).
///
/// The file is mapped into memory and read by this package, not by libhdf5, which trusts what a file says
/// about itself and does not survive damaged ones. Every number is checked before it is used: a damaged file
/// throws, and reading takes no more memory than 3,100 times the size of the file and 4 MiB (deflate packs up
/// to 1032 to 1), nor more time than that much data takes. Read are all versions of the format up to that of
/// libhdf5 1.14: groups and attributes of either form, contiguous, compact and chunked data with any chunk
/// index, and the filters deflate, shuffle and fletcher32. Reading follows hard links only: soft and external
/// links, virtual datasets and external storage are refused, so that a file cannot pull in another one. Any
/// number of threads may read from one file at the same time.
/// Source: https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html
public final class HDF5File: Sendable {
  /// Where the file is.
  public let url: URL
  private let mapping: MappedFile
  private let superblock: HDF5Superblock
  private let groups: HDF5GroupCache
  /// Whether the file carries the checksums of this package's writer. They are then verified: those of
  /// structure and attributes when it is opened, that of a dataset when it is read.
  public let hasChecksums: Bool

  /// Opens a file.
  /// - Throws: ``CheckpointError`` of kind `cannotOpen` when it is absent, `wrongFormat` when it is not HDF5,
  ///   `damaged` when it is cut short or does not have its own checksum.
  public init(reading url: URL) throws {
    self.url = url
    guard FileManager.default.fileExists(atPath: url.path) else {
      throw CheckpointError(.cannotOpen, file: url.path, found: "no such file", expected: "an HDF5 file")
    }
    mapping = try MappedFile(url, expected: "an HDF5 file")
    superblock = try HDF5Superblock(mapping.bytes, file: url.path)
    groups = HDF5GroupCache(limit: mapping.bytes.count / 8)
    hasChecksums = try HDF5Checksums.areThere(
      HDF5Walk(mapping.bytes, superblock, file: url.path), superblock.root)
    _ = try group("/")
    if hasChecksums { try verifyContents() }
  }

  /// One name in a group.
  public struct Entry: Equatable, Sendable {
    /// The name, without the path of the group.
    public let name: String
    /// Whether it is a group or a dataset.
    public let isGroup: Bool
  }

  /// The order of a listing.
  public enum Order: Sendable {
    /// As written, where the file recorded it (files of this library do); else by name.
    case creation
    /// By name, in byte order.
    case name
  }

  /// Lists a group.
  /// - Throws: ``CheckpointError`` of kind `missing` when there is no such group, `unsupported` when it holds
  ///   a link to elsewhere.
  public func entries(in group: String = "/", order: Order = .creation) throws -> [Entry] {
    try withWalk(group) { walk, path in
      let group = try self.group(path, walk)
      return try (order == .creation ? group.byCreation : group.links).map { link in
        walk.place = path == "/" ? "/" + link.name : path + "/" + link.name
        return Entry(name: link.name, isGroup: try HDF5ObjectHeader(walk, at: target(of: link, walk)).isGroup)
      }
    }
  }

  /// Paths of all datasets under a group, relative to it, depth first.
  /// - Throws: as ``entries(in:order:)``; also when groups are nested deeper than 64 levels, as only a loop
  ///   of links is.
  public func datasets(under group: String = "/", order: Order = .creation) throws -> [String] {
    var result: [String] = []
    var length = 0
    func visit(_ prefix: String, _ depth: Int) throws {
      guard depth <= 64, length <= 64 * mapping.bytes.count else {
        throw CheckpointError(
          .unsupported, file: url.path, at: group,
          found: "groups nested deeper than 64 levels, or a maze of links",
          expected: "a tree")
      }
      for entry in try entries(in: group + "/" + prefix, order: order) {
        let path = prefix.isEmpty ? entry.name : prefix + "/" + entry.name
        length += path.utf8.count
        if entry.isGroup { try visit(path, depth + 1) } else { result.append(path) }
      }
    }
    try visit("", 0)
    return result
  }

  /// Whether something of that path is in the file.
  public func exists(_ path: String) throws -> Bool {
    try withWalk(path) { walk, path in
      do {
        _ = try locate(path, walk)
        return true
      } catch let error as CheckpointError where error.kind == .missing {
        return false
      }
    }
  }

  /// Calls `body` with a walk through the file and the path in normal form.
  func withWalk<Result>(_ path: String, _ body: (HDF5Walk, String) throws -> Result) throws -> Result {
    let path = "/" + (try HDF5Path.components(of: path, file: url)).joined(separator: "/")
    let walk = HDF5Walk(mapping.bytes, superblock, file: url.path, at: path)
    walk.mapping = mapping
    return try withExtendedLifetime(mapping) { try body(walk, path) }
  }

  /// Calls `body` with the header of the object at a path.
  func withObject<Result>(_ path: String, _ body: (HDF5Walk, HDF5ObjectHeader) throws -> Result) throws
    -> Result
  {
    try withWalk(path) { walk, path in
      let address = try locate(path, walk)
      walk.place = path
      return try body(walk, try HDF5ObjectHeader(walk, at: address))
    }
  }

  private func group(_ path: String) throws -> HDF5Group { try withWalk(path) { try group($1, $0) } }

  private func group(_ path: String, _ walk: HDF5Walk) throws -> HDF5Group {
    let address = try locate(path, walk)
    walk.place = path
    guard let group = try group(at: address, walk) else {
      throw CheckpointError(.mismatch, file: url.path, at: path, found: "a dataset", expected: "a group")
    }
    return group
  }

  /// The group whose header lies at an address, or nil when something else does.
  private func group(at address: Int, _ walk: HDF5Walk) throws -> HDF5Group? {
    if let known = groups[address] { return known }
    let header = try HDF5ObjectHeader(walk, at: address)
    guard header.isGroup else { return nil }
    let group = try HDF5Group(walk, header)
    groups[address] = group
    return group
  }

  /// Walks a path in normal form one hard link at a time.
  private func locate(_ path: String, _ walk: HDF5Walk) throws -> Int {
    var address = superblock.root
    var soFar = ""
    for part in path.split(separator: "/").map(String.init) {
      walk.place = soFar.isEmpty ? "/" : soFar
      guard let link = try group(at: address, walk)?[part] else {
        throw CheckpointError(
          .missing, file: url.path, at: path, found: "no `\(part)` in \(soFar.isEmpty ? "/" : soFar)")
      }
      soFar += "/" + part
      walk.place = soFar
      address = try target(of: link, walk)
    }
    return address
  }

  private func target(of link: HDF5Group.Link, _ walk: HDF5Walk) throws -> Int {
    guard let target = link.target else {
      throw walk.unsupported("a soft or external link", "data in this file")
    }
    return target
  }
}

/// The groups of a file that were read already.
private final class HDF5GroupCache: @unchecked Sendable {
  private let lock = NSLock()
  private var groups: [Int: HDF5Group] = [:]
  private var count = 0
  /// Most links that are kept: as many as a file can hold when no two groups share them.
  private let limit: Int

  init(limit: Int) { self.limit = limit }

  subscript(address: Int) -> HDF5Group? {
    get { lock.withLock { groups[address] } }
    set {
      lock.withLock {
        guard let newValue, newValue.links.count <= limit - count else { return }
        if groups.updateValue(newValue, forKey: address) == nil { count += newValue.links.count }
      }
    }
  }
}

/// Paths inside of HDF5 files.
enum HDF5Path {
  /// The components of a path; throws when one cannot be a name.
  static func components(of path: String, file url: URL) throws -> [String] {
    let parts = path.split(separator: "/").map(String.init)
    guard !parts.contains(where: { $0 == "." || $0.contains("\0") }) else {
      throw CheckpointError(
        .unsupported, file: url.path, at: path, found: "a path component that is `.` or holds a zero byte",
        expected: "plain names separated by slashes")
    }
    return parts
  }
}
