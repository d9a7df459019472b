import Foundation

/// Replaces files in one step: other processes see the earlier content or the whole new one, also after a power cut.
public enum AtomicFile {
  /// The ending of names under which unfinished files are written.
  public static let temporarySuffix = ".tmp"

  /// Lets `write` fill a temporary file beside `destination`, syncs it, and renames it over `destination`.
  ///
  /// When anything fails, the temporary file is removed and whatever was at `destination` stays as it was.
  /// - Throws: whatever `write` throws, or ``CheckpointError`` of kind `cannotWrite` when syncing or renaming fails.
  public static func replace(_ destination: URL, _ write: (URL) throws -> Void) throws {
    let directory = destination.deletingLastPathComponent()
    let name = ".\(destination.lastPathComponent).\(getpid())\(temporarySuffix)"
    let temporary = directory.appendingPathComponent(name)
    do {
      try write(temporary)
      try synchronize(temporary, reportingAs: destination)
      guard rename(temporary.path, destination.path) == 0 else { throw failure(destination, errno) }
    } catch {
      unlink(temporary.path)
      throw error
    }
    try synchronize(directory, reportingAs: destination)
  }

  /// Writes bytes to `destination` in one step.
  /// - Throws: ``CheckpointError`` of kind `cannotWrite`.
  public static func write(_ bytes: some Sequence<UInt8>, to destination: URL) throws {
    try replace(destination) { temporary in
      let output = try OutputFile(temporary, reportingAs: destination)
      let contiguous = [UInt8](bytes)
      try contiguous.withUnsafeBytes { try output.write($0) }
      try output.close()
    }
  }

  /// Whether a file name is one that ``replace(_:_:)`` leaves behind when the process is killed in between.
  public static func isLeftover(_ name: String) -> Bool {
    name.hasPrefix(".") && name.hasSuffix(temporarySuffix)
  }

  static func failure(_ destination: URL, _ code: Int32) -> CheckpointError {
    CheckpointError(.cannotWrite, file: destination.path, found: String(cString: strerror(code)))
  }

  private static func synchronize(_ url: URL, reportingAs destination: URL) throws {
    let descriptor = open(url.path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure(destination, errno) }
    defer { close(descriptor) }
    // Some file systems cannot sync a directory and say so with EINVAL.
    guard fsync(descriptor) == 0 || errno == EINVAL else { throw failure(destination, errno) }
  }
}

/// A plain file being written front to back, with every error reported.
final class OutputFile {
  private var descriptor: Int32
  private let destination: URL

  init(_ url: URL, reportingAs destination: URL) throws {
    self.destination = destination
    descriptor = open(url.path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw AtomicFile.failure(destination, errno) }
  }

  deinit { if descriptor >= 0 { _ = systemClose(descriptor) } }

  func write(_ bytes: UnsafeRawBufferPointer) throws {
    var rest = bytes
    while !rest.isEmpty {
      let put = systemWrite(descriptor, rest.baseAddress, rest.count)
      if put < 0 && errno == EINTR { continue }
      guard put > 0 else { throw AtomicFile.failure(destination, put < 0 ? errno : ENOSPC) }
      rest = UnsafeRawBufferPointer(rebasing: rest[put...])
    }
  }

  func write(_ text: String) throws {
    var text = text
    try text.withUTF8 { try write(UnsafeRawBufferPointer($0)) }
  }

  func close() throws {
    let code = systemClose(descriptor)
    descriptor = -1
    guard code == 0 else { throw AtomicFile.failure(destination, errno) }
  }
}

private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
  write(descriptor, bytes, count)
}

private func systemClose(_ descriptor: Int32) -> Int32 { close(descriptor) }
