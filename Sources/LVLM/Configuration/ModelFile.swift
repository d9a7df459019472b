import Checkpoint
import Foundation

/// Files of a model directory by name.
enum ModelFile {
  /// The file of this name, which must lie in the directory itself once symbolic links are followed, or for a
  /// snapshot in Hugging Face's cache among its `blobs`: what a directory brings along cannot make this
  /// package read files elsewhere.
  ///
  /// - Throws: ``ModelDirectoryError`` when a link leaves the directory, `CheckpointError` when the file is
  ///   not as the list of checksums beside it says.
  static func inside(_ directory: URL, _ name: String) throws -> URL {
    // The directory may be reached through links itself, and a file that is not there resolves to where it
    // would be.
    let home = directory.resolvingSymlinksInPath().standardizedFileURL
    let target = home.appending(component: name).resolvingSymlinksInPath().standardizedFileURL.path
    func contains(_ folder: URL) -> Bool {
      target.hasPrefix(folder.path.hasSuffix("/") ? folder.path : folder.path + "/")
    }
    let snapshots = home.deletingLastPathComponent()
    let cache = snapshots.deletingLastPathComponent()
    let isSnapshot =
      snapshots.lastPathComponent == "snapshots" && cache.lastPathComponent.hasPrefix("models--")
    guard contains(home) || isSnapshot && contains(cache.appending(component: "blobs")) else {
      throw ModelDirectoryError(
        file: directory.path,
        unusable: ["\(name) (a symbolic link to \(target), expected a file of this directory)"])
    }
    let file = directory.appending(component: name)
    let isLink = (try? FileManager.default.destinationOfSymbolicLink(atPath: file.path)) != nil
    guard !isLink || FileManager.default.fileExists(atPath: file.path) else {
      throw ModelDirectoryError(
        file: directory.path, unusable: ["\(name) (a symbolic link to nothing, expected a file)"])
    }
    try ChecksumList.verify(name, in: directory)
    return file
  }
}
