import Foundation
import Tensor

/// Whole files as bytes, with the system's reason where one cannot be read.
package enum StoredBytes {
  /// The content of a file.
  /// - Throws: ``CheckpointError`` of kind `cannotOpen`, with `expected` as what should have been there.
  package static func read(_ url: URL, expected: String? = nil) throws -> Data {
    // A pipe is refused below and not waited for.
    let descriptor = open(url.path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      throw CheckpointError(
        .cannotOpen, file: url.path, found: String(cString: strerror(errno)), expected: expected)
    }
    defer { close(descriptor) }
    var information = stat()
    guard fstat(descriptor, &information) == 0, information.st_mode & S_IFMT == S_IFREG else {
      throw CheckpointError(.cannotOpen, file: url.path, found: "no regular file", expected: expected)
    }
    var data = Data(count: Int(information.st_size))
    let count = try data.withUnsafeMutableBytes { buffer in
      var count = 0
      while count < buffer.count {
        let got = Foundation.read(descriptor, buffer.baseAddress! + count, buffer.count - count)
        if got < 0 && errno == EINTR { continue }
        guard got >= 0 else {
          throw CheckpointError(.cannotOpen, file: url.path, found: String(cString: strerror(errno)))
        }
        if got == 0 { break }
        count += got
      }
      return count
    }
    return count == data.count ? data : data.prefix(count)
  }

  /// The CRC-32 and size of a file, which is mapped and not copied.
  /// - Throws: ``CheckpointError`` of kind `cannotOpen`.
  package static func checksum(of url: URL) throws -> (crc32: UInt32, byteCount: Int) {
    let file = try MappedFile(url, expected: "a readable file")
    return withExtendedLifetime(file) { (CRC32.of(file.bytes), file.bytes.count) }
  }
}
