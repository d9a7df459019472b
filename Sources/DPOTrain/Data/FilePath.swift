/// Paths that records name.
enum FilePath {
  /// `path` in `folder`; an absolute path stays as it is.
  static func join(_ folder: String, _ path: String) -> String {
    path.hasPrefix("/") ? path : folder.hasSuffix("/") ? folder + path : folder + "/" + path
  }

  /// The folder a file is in; `.` for a bare name.
  static func folder(of file: String) -> String {
    guard let slash = file.lastIndex(of: "/") else { return "." }
    return slash == file.startIndex ? "/" : String(file[..<slash])
  }
}
