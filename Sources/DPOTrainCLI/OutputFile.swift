import ArgumentParser
import Foundation

/// A file that a command writes: looked at before its work, and never one that it reads.
enum OutputFile {
  /// - Parameters:
  ///   - option: what names the file, for messages.
  ///   - endings: those its name may have; none for any.
  ///   - inputs: files and folders that the command reads.
  /// - Throws: `ValidationError`.
  static func check(
    _ path: String, option: String, endings: [String] = [], inputs: [String?] = []
  ) throws {
    let url = URL(fileURLWithPath: path)
    guard endings.isEmpty || endings.contains(url.pathExtension.lowercased()) else {
      let known = endings.map { ".\($0)" }.joined(separator: " or ")
      throw ValidationError("\(option): found \(path), expected a name that ends with \(known)")
    }
    var isFolder: ObjCBool = false
    let files = FileManager.default
    let folder = url.deletingLastPathComponent().path
    guard files.fileExists(atPath: folder, isDirectory: &isFolder), isFolder.boolValue else {
      throw ValidationError("\(option): found no folder \(folder), expected one that is there")
    }
    if files.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue {
      throw ValidationError("\(option): found the folder \(path), expected a file")
    }
    let real = url.resolvingSymlinksInPath().path
    for input in inputs.compactMap(\.self)
    where URL(fileURLWithPath: input).resolvingSymlinksInPath().path == real {
      throw ValidationError("\(option): \(path) is read by this command, expected another file")
    }
  }
}
