import Foundation

/// An exclusive lock on a file, held until the value goes away or the process ends in any way.
final class FileLock {
  private let descriptor: Int32

  /// - Throws: ``RunDirectoryError/locked(_:holder:)`` when another process holds it.
  init(_ url: URL, directory: String) throws {
    let descriptor = open(url.path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      throw RunDirectoryError.cannotCreate(directory, String(cString: strerror(errno)))
    }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      var bytes = [UInt8](repeating: 0, count: 32)
      let count = pread(descriptor, &bytes, bytes.count, 0)
      close(descriptor)
      let holder = String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
        .trimmingCharacters(in: .whitespacesAndNewlines)
      throw RunDirectoryError.locked(directory, holder: holder.isEmpty ? "" : " (\(holder))")
    }
    let text = Array("process \(getpid())\n".utf8)
    _ = ftruncate(descriptor, 0)
    _ = pwrite(descriptor, text, text.count, 0)
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }
}
