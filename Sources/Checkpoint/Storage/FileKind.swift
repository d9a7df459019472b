import Foundation

/// What a path leads to, links followed: looked at before it is opened, because opening a pipe waits for
/// whoever is at its other end.
package enum FileKind: Equatable, Sendable {
  /// No such name, or a folder on the way to it that is not there.
  case nothing
  /// A regular file.
  case file
  /// A folder.
  case folder
  /// A link to a path that is not there.
  case brokenLink(to: String)
  /// A pipe, a device or a socket, in words.
  case special(String)

  /// Looks at a path.
  package init(_ path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else {
      let target = try? FileManager.default.destinationOfSymbolicLink(atPath: path)
      self = target.map { .brokenLink(to: $0) } ?? .nothing
      return
    }
    switch status.st_mode & S_IFMT {
    case S_IFREG: self = .file
    case S_IFDIR: self = .folder
    case S_IFIFO: self = .special("a pipe")
    case S_IFSOCK: self = .special("a socket")
    default: self = .special("a device")
    }
  }

  /// What errors say was found.
  package var words: String {
    switch self {
    case .nothing: "nothing"
    case .file: "a file"
    case .folder: "a folder"
    case .brokenLink(let target): "a link to \(target), which is not there"
    case .special(let words): words
    }
  }

  /// Refuses to write where anything but a regular file is: a rename would put a file in the place of a
  /// device.
  /// - Throws: ``CheckpointError`` of kind `cannotWrite`.
  static func requireWritable(_ url: URL, reportingAs destination: URL) throws {
    switch FileKind(url.path) {
    case .nothing, .file, .brokenLink: return
    case let other:
      throw CheckpointError(
        .cannotWrite, file: destination.path, found: other.words, expected: "a regular file")
    }
  }
}
