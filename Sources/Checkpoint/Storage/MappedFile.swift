import CMIAZlib
import Foundation
import Synchronization
import Tensor

/// A file's bytes, mapped into memory: nothing is read before it is touched, and nothing is copied.
///
/// Pages that were touched count as memory of the process. What is looked at once, such as weights that are
/// copied, is therefore read by ``read(_:into:)`` instead, or given back with ``forget()``.
package final class MappedFile: @unchecked Sendable {
  /// The bytes, valid as long as this object.
  package let bytes: UnsafeRawBufferPointer
  private let descriptor: Int32
  private let path: String

  /// Maps a file.
  /// - Throws: ``CheckpointError`` of kind `cannotOpen`, or `wrongFormat` for a Git LFS pointer.
  init(_ url: URL, expected: String) throws {
    path = url.path
    // A pipe is refused below and not waited for.
    let descriptor = open(url.path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      throw CheckpointError(
        .cannotOpen, file: url.path, found: String(cString: strerror(errno)), expected: expected)
    }
    self.descriptor = descriptor
    var information = stat()
    guard fstat(descriptor, &information) == 0, information.st_mode & S_IFMT == S_IFREG else {
      bytes = UnsafeRawBufferPointer(start: nil, count: 0)
      throw CheckpointError(.cannotOpen, file: url.path, found: "no regular file", expected: expected)
    }
    let size = Int(information.st_size)
    guard size > 0 else {
      bytes = UnsafeRawBufferPointer(start: nil, count: 0)
      return
    }
    guard let address = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0), address != MAP_FAILED else {
      bytes = UnsafeRawBufferPointer(start: nil, count: 0)
      throw CheckpointError(.cannotOpen, file: url.path, found: String(cString: strerror(errno)))
    }
    bytes = UnsafeRawBufferPointer(start: address, count: size)
    guard !GitLFSPointer.isPointer(bytes, count: size) else {
      throw CheckpointError(.wrongFormat, file: url.path, found: GitLFSPointer.words, expected: expected)
    }
  }

  deinit {
    if let address = bytes.baseAddress { munmap(UnsafeMutableRawPointer(mutating: address), bytes.count) }
    close(descriptor)
  }

  /// Copies a part of the file into memory, past the mapping; the pages of the file stay the system's.
  /// - Throws: ``CheckpointError`` of kind `damaged` when the file has become shorter, `cannotOpen` when it
  ///   cannot be read.
  package func read(_ range: Range<Int>, into target: UnsafeMutableRawPointer) throws {
    tensorRequire(
      range.lowerBound >= 0 && range.upperBound <= bytes.count, "MappedFile.read",
      "\(range) of \(bytes.count)")
    let failure = Mutex<CheckpointError?>(nil)
    nonisolated(unsafe) let target = target
    // A core copies about 5 GB per second out of the system's memory, which is less than two can take.
    Threads.parallel(range.count, grain: 1 << 20) { part in
      do throws(CheckpointError) {
        try readPart(range.lowerBound + part.lowerBound, part.count, into: target + part.lowerBound)
      } catch { failure.withLock { $0 = error } }
    }
    if let error = failure.withLock({ $0 }) { throw error }
  }

  /// As ``read(_:into:)``, with the CRC-32 of what was read.
  ///
  /// Each thread takes its part in pieces that are still in its cache when they are counted: a second pass
  /// over a large tensor would read all of it from memory again.
  package func readCounting(_ range: Range<Int>, into target: UnsafeMutableRawPointer) throws -> UInt32 {
    tensorRequire(
      range.lowerBound >= 0 && range.upperBound <= bytes.count, "MappedFile.readCounting",
      "\(range) of \(bytes.count)")
    let found = Mutex<(failure: CheckpointError?, parts: [(range: Range<Int>, checksum: UInt32)])>((nil, []))
    nonisolated(unsafe) let target = target
    let piece = 1 << 18
    Threads.parallel(range.count, grain: 1 << 20) { part in
      var checksum: UInt32 = 0
      do throws(CheckpointError) {
        for first in stride(from: part.lowerBound, to: part.upperBound, by: piece) {
          let length = Swift.min(piece, part.upperBound - first)
          try readPart(range.lowerBound + first, length, into: target + first)
          checksum = CRC32.of(UnsafeRawBufferPointer(start: target + first, count: length), after: checksum)
        }
        found.withLock { [checksum] in $0.parts.append((part, checksum)) }
      } catch { found.withLock { $0.failure = error } }
    }
    let (failure, parts) = found.withLock { $0 }
    if let failure { throw failure }
    return parts.sorted { $0.range.lowerBound < $1.range.lowerBound }.reduce(0) { checksum, part in
      UInt32(
        truncatingIfNeeded: crc32_combine(
          uLong(checksum), uLong(part.checksum), Int(part.range.count)))
    }
  }

  private func readPart(
    _ start: Int, _ count: Int, into target: UnsafeMutableRawPointer
  ) throws(CheckpointError) {
    var done = 0
    while done < count {
      let got = pread(descriptor, target + done, min(count - done, 1 << 30), off_t(start + done))
      if got < 0 && errno == EINTR { continue }
      guard got > 0 else {
        throw got < 0
          ? CheckpointError(.cannotOpen, file: path, found: String(cString: strerror(errno)))
          : CheckpointError(
            .damaged, file: path, found: "the end of the file at byte \(start + done)",
            expected: "the \(bytes.count) bytes it had when it was opened")
      }
      done += got
    }
  }

  /// Gives back every page of the mapping that was touched; touched again, they are read again.
  package func forget() {
    guard let address = bytes.baseAddress else { return }
    madvise(UnsafeMutableRawPointer(mutating: address), bytes.count, MADV_DONTNEED)
  }
}
