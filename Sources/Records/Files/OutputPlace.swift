import Checkpoint
import Foundation

/// Where a command is to write: looked at before its work, and never a file that it reads.
package enum OutputPlace {
  /// Refuses what no file can be written to, and a file that the command reads.
  ///
  /// - Parameters:
  ///   - option: what names the file, for messages.
  ///   - endings: those its name may have; none for any.
  ///   - inputs: files that the command reads.
  /// - Throws: ``DataError`` that begins with the option.
  package static func requireFile(
    _ path: String, option: String, endings: [String] = [], inputs: some Sequence<String> = []
  ) throws(DataError) {
    let url = URL(fileURLWithPath: path)
    guard endings.isEmpty || endings.contains(url.pathExtension.lowercased()) else {
      let known = endings.map { ".\($0)" }.joined(separator: " or ")
      throw DataError(file: option, problem: "found \(path), expected a name that ends with \(known)")
    }
    let folder = url.deletingLastPathComponent().path
    guard FileKind(folder) == .folder else {
      throw DataError(file: option, problem: "found no folder \(folder), expected one that is there")
    }
    switch FileKind(path) {
    case .nothing: return
    case .file: break
    case let other:
      throw DataError(
        file: option, problem: "\(path): found \(other.words), expected a file or a name that is not there")
    }
    let own = FileIdentity(path)
    for input in inputs where FileIdentity(input) == own {
      let name = input == path ? "" : " (as \(input))"
      throw DataError(
        file: option, problem: "\(path) is read by this command\(name), expected another file")
    }
  }

  /// Refuses what no folder can be made of.
  /// - Throws: ``DataError`` that begins with the option.
  package static func requireFolder(_ path: String, option: String) throws(DataError) {
    var place = FilePath.absolute(path)
    while true {
      switch FileKind(place) {
      case .folder: return
      case .nothing where place.count > 1: place = FilePath.folder(of: place)
      case let other:
        throw DataError(
          file: option,
          problem: place == FilePath.absolute(path)
            ? "\(path): found \(other.words), expected a folder or a name that is not there"
            : "\(path): found \(other.words) at \(place), expected a folder")
      }
    }
  }
}
