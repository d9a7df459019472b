import Foundation

/// Which file or folder a path leads to, whatever it is called there: links, hard links and folders that are
/// links make no difference.
package struct FileIdentity: Hashable, Sendable {
  /// The device and number of what is there, or of the last folder on the way to it that is.
  private let (device, number): (UInt64, UInt64)
  /// The names behind that folder.
  private let rest: [String]

  /// Looks at a path, of which nothing need be there.
  package init(_ path: String) {
    var (place, rest) = (FilePath.absolute(path), [String]())
    while true {
      var status = stat()
      if stat(place, &status) == 0 {
        (device, number) = (UInt64(status.st_dev), UInt64(status.st_ino))
        self.rest = rest.reversed()
        return
      }
      let parts = place.split(separator: "/")
      guard let last = parts.last else {
        (device, number, self.rest) = (0, 0, [])
        return
      }
      rest.append(String(last))
      place = "/" + parts.dropLast().joined(separator: "/")
    }
  }

  /// Whether a path leads to this folder or to a place in it.
  package func holds(_ path: String) -> Bool {
    var place = Self.resolved(path)
    while true {
      if FileIdentity(place) == self { return true }
      guard place.count > 1 else { return false }
      place = FilePath.folder(of: place)
    }
  }

  /// The path without links, as far as it is there.
  package static func resolved(_ path: String) -> String {
    var (place, rest) = (FilePath.absolute(path), [String]())
    while true {
      if let real = realpath(place, nil) {
        defer { free(real) }
        return rest.reversed().reduce(String(cString: real)) { FilePath.join($0, $1) }
      }
      let parts = place.split(separator: "/")
      guard let last = parts.last else { return path }
      rest.append(String(last))
      place = "/" + parts.dropLast().joined(separator: "/")
    }
  }
}
