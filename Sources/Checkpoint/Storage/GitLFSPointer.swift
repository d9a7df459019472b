import Foundation

/// The text that Git leaves in the place of a large file until `git lfs pull` fetches it.
///
/// (https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md)
package enum GitLFSPointer {
  /// What errors say was found.
  package static let words = "a Git LFS pointer in the place of the file (git lfs pull fetches it)"

  private static let beginning = Array("version https://git-lfs.github.com/spec/".utf8)
  /// The specification's bound: a pointer is shorter.
  private static let longest = 1024

  /// Whether these bytes, of a file of `count` bytes, are a pointer.
  package static func isPointer(_ bytes: some Sequence<UInt8>, count: Int) -> Bool {
    count < longest && bytes.starts(with: beginning)
  }

  /// Whether this file is a pointer; false where nothing can be read.
  package static func isPointer(_ file: URL) -> Bool {
    guard FileKind(file.path) == .file, let handle = try? FileHandle(forReadingFrom: file) else {
      return false
    }
    defer { try? handle.close() }
    guard let bytes = try? handle.read(upToCount: longest) else { return false }
    return isPointer(bytes, count: bytes.count)
  }
}
