import Foundation

/// A file's bytes, mapped into memory: nothing is read before it is touched, and nothing is copied.
final class MappedFile: @unchecked Sendable {
  /// The bytes, valid as long as this object.
  let bytes: UnsafeRawBufferPointer

  /// Maps a file.
  /// - Throws: ``CheckpointError`` of kind `cannotOpen`, or `wrongFormat` for a Git LFS pointer.
  init(_ url: URL, expected: String) throws {
    let descriptor = open(url.path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw CheckpointError(
        .cannotOpen, file: url.path, found: String(cString: strerror(errno)), expected: expected)
    }
    defer { close(descriptor) }
    var information = stat()
    guard fstat(descriptor, &information) == 0, information.st_mode & S_IFMT == S_IFREG else {
      throw CheckpointError(.cannotOpen, file: url.path, found: "no regular file", expected: expected)
    }
    let size = Int(information.st_size)
    guard size > 0 else {
      bytes = UnsafeRawBufferPointer(start: nil, count: 0)
      return
    }
    guard let address = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0), address != MAP_FAILED else {
      throw CheckpointError(.cannotOpen, file: url.path, found: String(cString: strerror(errno)))
    }
    bytes = UnsafeRawBufferPointer(start: address, count: size)
    guard !GitLFSPointer.isPointer(bytes, count: size) else {
      throw CheckpointError(.wrongFormat, file: url.path, found: GitLFSPointer.words, expected: expected)
    }
  }

  deinit {
    if let address = bytes.baseAddress { munmap(UnsafeMutableRawPointer(mutating: address), bytes.count) }
  }
}
