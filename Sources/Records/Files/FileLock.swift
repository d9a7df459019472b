import Foundation

/// An exclusive lock on a file, held until the value goes away or the process ends in any way.
///
/// On a file system without locks another file, `.lock.host`, stands for it, which only one process can make;
/// it has the host and number of that process, and is taken over when the process was of this host and is no
/// more.
package final class FileLock {
  private let descriptor: Int32
  /// The file that stands for the lock; removed at the end.
  private let token: String?

  /// The name of that file.
  package static let tokenName = ".lock.host"

  /// - Parameters:
  ///   - isOwnFile: whether the file is there for the lock alone, and gets the number and host of the process
  ///     that holds it; one with something else in it stays as it is.
  ///   - lock: `flock`, or what stands for it in tests: 0, or -1 and `errno`.
  /// - Throws: ``RunDirectoryError/locked(_:holder:)`` when another process holds it.
  package init(
    _ url: URL, directory: String, isOwnFile: Bool = true,
    lock: (Int32) -> Int32 = { flock($0, LOCK_EX | LOCK_NB) }
  ) throws {
    var descriptor: Int32 = -1
    var isTaken = false
    repeat {
      if descriptor >= 0 { close(descriptor) }
      descriptor = open(url.path, O_RDWR | O_CREAT | O_CLOEXEC, isOwnFile ? 0o644 : 0o666)
      guard descriptor >= 0 else {
        throw RunDirectoryError.cannotCreate(directory, String(cString: strerror(errno)))
      }
      isTaken = lock(descriptor) == 0
      // Whoever held it may have removed the file in between: what is locked is no longer under the name.
    } while isTaken && !Self.isSame(descriptor, url.path)
    if isTaken {
      token = nil
    } else if errno == EWOULDBLOCK {
      let holder = isOwnFile ? Self.text(descriptor) : ""
      close(descriptor)
      throw RunDirectoryError.locked(directory, holder: holder.isEmpty ? "" : " (\(holder))")
    } else {
      // ENOLCK, ENOSYS, EOPNOTSUPP, EINVAL: network file systems without locks.
      do {
        token = try Self.take(
          url.deletingLastPathComponent().appendingPathComponent(Self.tokenName).path, directory)
      } catch {
        close(descriptor)
        throw error
      }
    }
    if isOwnFile {
      let text = Array("process \(getpid()) on \(ProcessInfo.processInfo.hostName)\n".utf8)
      _ = ftruncate(descriptor, 0)
      _ = pwrite(descriptor, text, text.count, 0)
    }
    self.descriptor = descriptor
  }

  deinit {
    if let token { unlink(token) }
    close(descriptor)
  }

  private static func isSame(_ descriptor: Int32, _ path: String) -> Bool {
    var (held, named) = (stat(), stat())
    return fstat(descriptor, &held) == 0 && stat(path, &named) == 0 && held.st_dev == named.st_dev
      && held.st_ino == named.st_ino
  }

  private static func text(_ descriptor: Int32) -> String {
    var bytes = [UInt8](repeating: 0, count: 300)
    let count = pread(descriptor, &bytes, bytes.count, 0)
    return String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
      .trimmingCharacters(in: .whitespacesAndNewlines)
  }

  /// Makes the file that stands for the lock.
  private static func take(_ path: String, _ directory: String) throws -> String {
    let host = ProcessInfo.processInfo.hostName
    for _ in 0..<2 {
      let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
      if descriptor >= 0 {
        let text = Array("\(host) process \(getpid())\n".utf8)
        _ = pwrite(descriptor, text, text.count, 0)
        close(descriptor)
        return path
      }
      guard errno == EEXIST else {
        throw RunDirectoryError.cannotCreate(directory, String(cString: strerror(errno)))
      }
      let other = open(path, O_RDONLY | O_CLOEXEC)
      let holder = other >= 0 ? text(other) : ""
      if other >= 0 { close(other) }
      let parts = holder.components(separatedBy: " process ")
      if parts.count == 2, parts[0] == host, let process = pid_t(parts[1]), kill(process, 0) != 0,
        errno == ESRCH
      {
        unlink(path)
        continue
      }
      throw RunDirectoryError.locked(
        directory,
        holder:
          " (\(holder), by the file \(path): this file system has no locks; remove it when that is no more)")
    }
    throw RunDirectoryError.locked(directory, holder: "")
  }
}
