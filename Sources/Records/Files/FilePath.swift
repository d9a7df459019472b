import Checkpoint
import Foundation

/// Paths that records name.
package enum FilePath {
  /// `path` in `folder`; an absolute path stays as it is.
  package static func join(_ folder: String, _ path: String) -> String {
    path.hasPrefix("/") ? path : folder.hasSuffix("/") ? folder + path : folder + "/" + path
  }

  /// `path` from the root, where it starts at the working directory.
  package static func absolute(_ path: String) -> String {
    join(FileManager.default.currentDirectoryPath, path)
  }

  /// The folder a file is in; `.` for a bare name.
  package static func folder(of file: String) -> String {
    guard let slash = file.lastIndex(of: "/") else { return "." }
    return slash == file.startIndex ? "/" : String(file[..<slash])
  }

  /// The content of a file, mapped rather than read.
  /// - Parameter expected: what a folder of that name should have been.
  package static func mapped(_ path: String, expected: String) throws(DataError) -> Data {
    switch FileKind(path) {
    case .file: break
    case .nothing, .brokenLink: throw DataError(file: path, problem: "no such file")
    case let other: throw DataError(file: path, problem: "is \(other.words), expected \(expected)")
    }
    let url = URL(fileURLWithPath: path)
    guard !GitLFSPointer.isPointer(url) else {
      throw DataError(file: path, problem: "found \(GitLFSPointer.words), expected \(expected)")
    }
    do {
      try WrittenFile.verify(url)
    } catch {
      throw DataError(file: path, problem: "\(error)".replacing("\(path): ", with: "", maxReplacements: 1))
    }
    do {
      return try Data(contentsOf: url, options: .alwaysMapped)
    } catch {
      throw DataError(file: path, problem: "cannot read: \((error as NSError).localizedDescription)")
    }
  }
}
