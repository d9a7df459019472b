import Foundation
import Tensor

/// Reading and writing npz files: npy files in a zip archive, as `numpy.savez` and `numpy.savez_compressed`
/// write them.
public enum NPZ {
  /// Opens an archive and checks its directory; arrays are unpacked when asked for.
  /// - Throws: as ``NPZFile/init(reading:expandingAtMost:)``.
  public static func read(_ url: URL) throws -> NPZFile { try NPZFile(reading: url) }

  /// Writes tensors in one step, in the order given.
  /// - Parameters:
  ///   - tensors: the arrays by name, without the ending `.npy`.
  ///   - isCompressed: whether members are deflated, as `savez_compressed` does it.
  ///   - url: where to.
  /// - Throws: ``CheckpointError`` of kind `cannotWrite`, also for a name given twice; `unsupported` for
  ///   bfloat16.
  public static func write(
    _ tensors: [(name: String, tensor: Tensor)], compressed isCompressed: Bool = false, to url: URL
  ) throws {
    try write(
      tensors.map { name, tensor in
        let elementType = ElementType(tensor.dtype)
        return Member(name: name, elementType: elementType, shape: tensor.shape) {
          try tensor.withElementBytes($0)
        }
      }, isCompressed, url)
  }

  /// Writes arrays of any type on disk in one step; else as
  /// ``write(_:compressed:to:)-([(String,Tensor)],_,_)``.
  /// - Throws: ``CheckpointError`` of kind `cannotWrite`, also for a name given twice; `unsupported` for
  ///   bfloat16.
  public static func write(
    _ arrays: [(name: String, array: StoredArray)], compressed isCompressed: Bool = false, to url: URL
  ) throws {
    try write(
      arrays.map { name, array in
        Member(name: name, elementType: array.elementType, shape: array.shape) {
          try array.bytes.withUnsafeBytes($0)
        }
      }, isCompressed, url)
  }

  private struct Member {
    let name: String
    let elementType: ElementType
    let shape: [Int]
    let withBytes: ((UnsafeRawBufferPointer) throws -> Void) throws -> Void
  }

  private static func write(_ members: [Member], _ isCompressed: Bool, _ url: URL) throws {
    var names: Set<String> = []
    for member in members {
      guard !member.name.isEmpty, names.insert(member.name).inserted else {
        throw CheckpointError(
          .cannotWrite, file: url.path, at: member.name, found: "a name that is empty or given twice",
          expected: "unique names")
      }
    }
    try AtomicFile.replace(url) { temporary in
      let output = try OutputFile(temporary, reportingAs: url)
      var archive = ZipWriter(output, file: url.path)
      for member in members {
        let header = try NPYHeader.bytes(
          member.elementType, shape: member.shape, file: url.path, entry: member.name)
        try member.withBytes { data in
          try header.withUnsafeBytes { header in
            try archive.add("\(member.name).npy", [header, data], deflating: isCompressed)
          }
        }
      }
      try archive.finish()
      try output.close()
    }
  }
}

/// An npz file, mapped into memory after its directory was checked.
public final class NPZFile: Sendable {
  /// Where the file is.
  public let url: URL
  /// Names of the arrays in the order of the directory, without the ending `.npy`.
  public let names: [String]
  private let mapping: MappedFile
  private let members: [String: ZipDirectory.Member]

  /// Maps an archive and checks its directory.
  /// - Parameters:
  ///   - url: the file.
  ///   - limit: the most bytes that all members may have when they are unpacked; a member may not claim more
  ///     than 1032 times its packed size either, which is what deflate can reach.
  /// - Throws: ``CheckpointError``: `cannotOpen`, `wrongFormat` for something else, `damaged` for a directory
  ///   that breaks the format's rules, members that overlap or claim to unpack to more than the limits,
  ///   `unsupported` for encryption and other methods than stored and deflated.
  public init(reading url: URL, expandingAtMost limit: Int = 1 << 36) throws {
    self.url = url
    mapping = try MappedFile(url, expected: "an npz file")
    let directory = try ZipDirectory(mapping.bytes, file: url.path, limit: limit)
    names = directory.members.map { Self.arrayName($0.name) }
    members = Dictionary(
      directory.members.map { (Self.arrayName($0.name), $0) }, uniquingKeysWith: { first, _ in first })
    guard members.count == names.count else {
      throw CheckpointError(
        .damaged, file: url.path, found: "two arrays of one name", expected: "unique names")
    }
  }

  private static func arrayName(_ member: String) -> String {
    member.hasSuffix(".npy") ? String(member.dropLast(4)) : member
  }

  /// An array as a tensor; see ``ElementType/dtype`` for its type.
  /// - Throws: ``CheckpointError`` of kind `missing`; else as ``NPY/read(_:)``.
  public func tensor(_ name: String) throws -> Tensor { try withArray(name) { $0.tensor() } }

  /// An array as it is stored, brought to C order and little-endian.
  /// - Throws: as ``tensor(_:)``.
  public func array(_ name: String) throws -> StoredArray { try withArray(name) { $0.stored() } }

  /// All arrays, in the order of the directory.
  /// - Throws: as ``tensor(_:)``.
  public func tensors() throws -> [(name: String, tensor: Tensor)] {
    try names.map { ($0, try tensor($0)) }
  }

  private func withArray<Result>(_ name: String, _ body: (NPYArray) throws -> Result) throws -> Result {
    guard let member = members[name] else {
      throw CheckpointError(.missing, file: url.path, at: name, found: "no array of that name")
    }
    return try withExtendedLifetime(mapping) {
      try member.withContent(mapping.bytes, file: url.path) {
        try body(NPYArray($0, file: url.path, entry: name))
      }
    }
  }
}
