import CMIAHDF5
import Foundation

/// A plain file being written front to back, with every error reported.
package final class OutputFile {
  private var descriptor: Int32
  private let destination: URL
  /// Bytes after which the disk is given work, so that it writes while the next ones are worked out.
  private static let stretch = 8 << 20
  private var waiting = 0

  /// Opens a file.
  /// - Parameters:
  ///   - destination: what errors call it.
  ///   - isAppending: writes behind what is there, in place of what is there.
  /// - Throws: ``CheckpointError`` of kind `cannotWrite`, also for what is no regular file.
  package init(_ url: URL, reportingAs destination: URL, isAppending: Bool = false) throws {
    self.destination = destination
    descriptor = -1
    try FileKind.requireWritable(url, reportingAs: destination)
    descriptor = open(
      url.path, O_WRONLY | O_CREAT | (isAppending ? O_APPEND : O_TRUNC) | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw AtomicFile.failure(destination, errno) }
  }

  deinit { if descriptor >= 0 { _ = systemClose(descriptor) } }

  /// Writes all bytes.
  /// - Throws: ``CheckpointError`` of kind `cannotWrite`.
  package func write(_ bytes: UnsafeRawBufferPointer) throws {
    var rest = bytes
    while !rest.isEmpty {
      let put = systemWrite(descriptor, rest.baseAddress, min(rest.count, Self.stretch))
      if put < 0 && errno == EINTR { continue }
      guard put > 0 else {
        throw AtomicFile.failure(destination, put < 0 ? errno : ENOSPC, needed: rest.count)
      }
      rest = UnsafeRawBufferPointer(rebasing: rest[put...])
      waiting += put
      if waiting >= Self.stretch {
        chdf5_begin_writing(descriptor)
        waiting = 0
      }
    }
  }

  /// Writes a text as UTF-8.
  package func write(_ text: String) throws {
    var text = text
    try text.withUTF8 { try write(UnsafeRawBufferPointer($0)) }
  }

  /// Writes over bytes that are there already.
  func write(_ bytes: UnsafeRawBufferPointer, at position: Int) throws {
    guard pwrite(descriptor, bytes.baseAddress, bytes.count, off_t(position)) == bytes.count else {
      throw AtomicFile.failure(destination, errno, needed: bytes.count)
    }
  }

  /// Waits until everything written is on disk.
  /// - Throws: ``CheckpointError`` of kind `cannotWrite`.
  package func synchronize() throws {
    guard fsync(descriptor) == 0 || errno == EINVAL else { throw AtomicFile.failure(destination, errno) }
  }

  /// Closes the file; done by itself when the last reference goes, without a word about errors.
  package func close() throws {
    guard descriptor >= 0 else { return }
    let code = systemClose(descriptor)
    descriptor = -1
    guard code == 0 else { throw AtomicFile.failure(destination, errno) }
  }
}

private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
  write(descriptor, bytes, count)
}

private func systemClose(_ descriptor: Int32) -> Int32 { close(descriptor) }
