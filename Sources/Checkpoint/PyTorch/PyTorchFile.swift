import Foundation
import Synchronization
import Tensor

/// A file of named tensors as `torch.save` writes it, mapped into memory after its pickle was read without
/// running it.
///
/// Format: a zip archive of stored members, `…/data.pkl` with the names and views, `…/data/KEY` with the
/// elements of each storage, `…/byteorder`. Anything in the pickle but tensors by name is refused; so are the
/// formats before PyTorch 1.6.
/// Source: https://docs.pytorch.org/docs/stable/notes/serialization.html
public final class PyTorchFile: Sendable {
  /// One tensor as the pickle describes it.
  public struct Entry: Equatable, Sendable {
    /// The tensor's name.
    public let name: String
    /// Its element type.
    public let elementType: ElementType
    /// Its shape.
    public let shape: [Int]
    /// Elements between neighbours along each axis.
    let strides: [Int]
    /// Where the first element lies in the file.
    let start: Int
    /// The storage's place among ``PyTorchFile/storages``.
    let storage: Int

    /// Number of elements.
    var count: Int { shape.reduce(1, *) }

    /// Whether the elements lie one after the other in C order.
    var isContiguous: Bool {
      var expected = 1
      for (extent, stride) in zip(shape, strides).reversed() where extent != 1 {
        if stride != expected { return false }
        expected *= extent
      }
      return true
    }

    /// Where the elements lie in the file when they lie one after the other.
    var range: Range<Int> { start..<start + count * elementType.byteSize }
  }

  /// Where the file is.
  public let url: URL
  /// The tensors in the order of the pickle.
  public let entries: [Entry]
  let mapping: MappedFile
  private let storages: [ZipDirectory.Member]
  private let indices: [String: Int]
  /// Storages whose checksums were found right.
  private let verified = Mutex<Set<Int>>([])

  /// Names of the tensors in the order of the pickle.
  public var names: [String] { entries.map(\.name) }

  /// Maps a file, checks its directory and reads its pickle; elements are read when asked for.
  /// - Throws: ``CheckpointError``: `cannotOpen`, `wrongFormat` for something else, `damaged` for an archive
  ///   or pickle that contradicts itself, `unsupported` for older formats and for a pickle of anything but
  ///   tensors by name.
  public init(reading url: URL) throws {
    self.url = url
    mapping = try MappedFile(url, expected: "a PyTorch file")
    try Self.checkFormat(mapping.bytes, file: url.path)
    let members = try ZipDirectory(
      mapping.bytes, file: url.path, limit: mapping.bytes.count, expected: "a PyTorch file"
    ).members
    let contents = try PyTorchArchive(members, mapping.bytes, file: url.path)
    (entries, storages) = (contents.entries, contents.storages)
    indices = Dictionary(
      contents.entries.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
    guard indices.count == entries.count else {
      throw CheckpointError(
        .damaged, file: url.path, at: "data.pkl", found: "two tensors of one name", expected: "unique names")
    }
  }

  /// Tells what else `torch.load` would open by its first bytes.
  private static func checkFormat(_ bytes: UnsafeRawBufferPointer, file: String) throws {
    if bytes.starts(with: [0x50, 0x4B, 3, 4]) { return }
    let tar = Array("ustar".utf8)
    let isTar = bytes.count > 262 && bytes[257..<262].elementsEqual(tar)
    let isPickle = bytes.count > 1 && bytes[0] == 0x80 && (1...5).contains(bytes[1])
    guard isTar || isPickle else {
      throw CheckpointError(
        .wrongFormat, file: file, found: "no zip archive", expected: "a PyTorch file")
    }
    throw CheckpointError(
      .unsupported, file: file,
      found: isTar ? "a tar archive of PyTorch before 0.2" : "a bare pickle, as PyTorch wrote before 1.6",
      expected: "a zip archive; torch.save(torch.load(file), file) of a newer release writes one")
  }

  /// The description of a tensor, or nil when the file has none of that name.
  public func entry(_ name: String) -> Entry? { indices[name].map { entries[$0] } }

  /// A tensor, copied out of the file.
  /// - Throws: ``CheckpointError`` of kind `missing`; `damaged` for elements that do not have the archive's
  ///   checksum.
  public func tensor(_ name: String) throws -> Tensor {
    let entry = try known(name)
    return try Tensor(entry.elementType, shape: entry.shape) { try read(entry, into: $0) }
  }

  /// A tensor in another type than it is stored in; elements that lie one after the other are converted piece
  /// by piece, so that the stored form is never in memory whole.
  /// - Throws: as ``tensor(_:)``.
  public func tensor(_ name: String, as dtype: DType) throws -> Tensor {
    let entry = try known(name)
    let stored = entry.elementType.dtype
    guard entry.isContiguous, stored != dtype else { return try tensor(name).to(dtype) }
    var checksum: UInt32? = 0
    let tensor = try mapping.tensor(
      entry.range, shape: entry.shape, stored: stored, as: dtype, checksum: &checksum)
    try verify(entry, checksum: checksum)
    return tensor
  }

  /// A copy of a tensor as it is stored, in C order.
  /// - Throws: as ``tensor(_:)``.
  public func array(_ name: String) throws -> StoredArray {
    let entry = try known(name)
    let size = entry.count * entry.elementType.byteSize
    let bytes = try [UInt8](unsafeUninitializedCapacity: size) { buffer, filled in
      try read(entry, into: UnsafeMutableRawBufferPointer(buffer))
      filled = size
    }
    return StoredArray(entry.elementType, shape: entry.shape, bytes: bytes)
  }

  /// Calls `body` with the bytes of a tensor in C order, in pieces of a MiB where they lie one after the
  /// other, else in one.
  /// - Throws: as ``tensor(_:)``, or what `body` throws.
  package func forEachPiece(of name: String, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
    let entry = try known(name)
    guard entry.isContiguous, !entry.range.isEmpty else {
      return try array(name).bytes.withUnsafeBytes(body)
    }
    let range = entry.range
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: min(range.count, 1 << 20), alignment: 64)
    defer { buffer.deallocate() }
    guard let start = buffer.baseAddress else { return }
    var checksum: UInt32 = 0
    for first in stride(from: range.lowerBound, to: range.upperBound, by: 1 << 20) {
      let part = first..<Swift.min(first + (1 << 20), range.upperBound)
      try mapping.read(part, into: start)
      let piece = UnsafeRawBufferPointer(rebasing: buffer[..<part.count])
      checksum = CRC32.of(piece, after: checksum)
      try body(piece)
    }
    try verify(entry, checksum: checksum)
  }

  /// All tensors, in the order of the pickle.
  /// - Throws: as ``tensor(_:)``.
  public func tensors() throws -> [(name: String, tensor: Tensor)] {
    try names.map { ($0, try tensor($0)) }
  }

  private func known(_ name: String) throws -> Entry {
    guard let entry = entry(name) else {
      throw CheckpointError(.missing, file: url.path, at: name, found: "no tensor of that name")
    }
    return entry
  }

  /// Copies the elements of a tensor in C order.
  private func read(_ entry: Entry, into target: UnsafeMutableRawBufferPointer) throws {
    guard let start = target.baseAddress, entry.count > 0 else { return }
    if entry.isContiguous {
      try mapping.read(entry.range, into: start)
      try verify(entry, checksum: CRC32.of(UnsafeRawBufferPointer(target)))
      return
    }
    try verify(entry, checksum: nil)
    let size = entry.elementType.byteSize
    var index = [Int](repeating: 0, count: entry.shape.count)
    for element in 0..<entry.count {
      let place = entry.start + zip(index, entry.strides).reduce(0) { $0 + $1.0 * $1.1 } * size
      (start + element * size).copyMemory(from: mapping.bytes.baseAddress! + place, byteCount: size)
      for axis in index.indices.reversed() {
        index[axis] += 1
        if index[axis] < entry.shape[axis] { break }
        index[axis] = 0
      }
    }
    mapping.forget()
  }

  /// Compares the checksum of a storage with the archive's, once.
  /// - Parameter checksum: that of the tensor's elements in C order, if they lie one after the other.
  private func verify(_ entry: Entry, checksum: UInt32?) throws {
    if verified.withLock({ $0.contains(entry.storage) }) { return }
    let member = storages[entry.storage]
    let found =
      if let checksum, entry.range == member.range { checksum } else {
        CRC32.of(UnsafeRawBufferPointer(rebasing: mapping.bytes[member.range]))
      }
    guard found == member.checksum else {
      throw CheckpointError(
        .damaged, file: url.path, at: entry.name, found: "checksum \(CRC32.digits(found))",
        expected: CRC32.digits(member.checksum))
    }
    verified.withLock { _ = $0.insert(entry.storage) }
  }
}

/// The members of an archive, put together.
private struct PyTorchArchive {
  private(set) var entries: [PyTorchFile.Entry] = []
  private(set) var storages: [ZipDirectory.Member] = []
  private let file: String

  init(_ members: [ZipDirectory.Member], _ bytes: UnsafeRawBufferPointer, file: String) throws {
    self.file = file
    let pickleName = "data.pkl"
    guard
      let main = members.first(where: { $0.name.split(separator: "/").last.map(String.init) == pickleName })
    else {
      throw CheckpointError(
        .wrongFormat, file: file, found: "a zip archive without \(pickleName)", expected: "a PyTorch file")
    }
    if let packed = members.first(where: \.isDeflated) {
      throw CheckpointError(
        .unsupported, file: file, at: packed.name, found: "a deflated member",
        expected: "stored ones, as torch.save writes them")
    }
    let folder = String(main.name.dropLast(pickleName.count))
    let byName = Dictionary(members.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    if let order = byName[folder + "byteorder"] {
      let text = String(decoding: bytes[order.range], as: UTF8.self)
      guard text == "little" else {
        throw CheckpointError(
          .unsupported, file: file, at: order.name, found: "byte order \"\(text)\"", expected: "\"little\"")
      }
    }
    let pickle = try main.withContent(bytes, file: file) {
      try Pickle($0, file: file, place: main.name)
    }
    try add(pickle, place: main.name) { byName[folder + "data/" + $0] }
  }

  private mutating func add(
    _ pickle: Pickle, place: String, member: (_ key: String) -> ZipDirectory.Member?
  ) throws {
    func refusal(_ found: String, _ expected: String) -> CheckpointError {
      CheckpointError(.unsupported, file: file, at: place, found: found, expected: expected)
    }
    guard case .dictionary(let number) = pickle.value else {
      throw refusal(pickle.value.kind, "a dictionary of tensors by name")
    }
    var known: [String: Int] = [:]
    for (key, value) in pickle.dictionaries[number] {
      guard case .text(let name) = key else { throw refusal("\(key.kind) as a key", "names of tensors") }
      guard case .tensor(let view) = value else { throw refusal("\(value.kind) under `\(name)`", "a tensor") }
      let storage = view.storage
      guard let member = member(storage.key) else {
        throw CheckpointError(
          .damaged, file: file, at: name, found: "no storage `\(storage.key)`",
          expected: "a member of the archive")
      }
      let size = storage.elementType.byteCount(shape: [storage.count])
      guard member.size == size else {
        throw CheckpointError(
          .damaged, file: file, at: name, found: "\(member.size) bytes of storage `\(storage.key)`",
          expected: "\(storage.count) elements of type \(storage.elementType)")
      }
      let place = known[storage.key] ?? storages.count
      if place == storages.count {
        known[storage.key] = place
        storages.append(member)
      }
      entries.append(
        .init(
          name: name, elementType: storage.elementType, shape: view.shape, strides: view.strides,
          start: member.range.lowerBound + view.offset * storage.elementType.byteSize, storage: place))
    }
  }
}
