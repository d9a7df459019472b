import Foundation

/// Pictures in `data:` addresses. Nothing else is opened: no address, no file.
enum DataURL {
  static let expected = "a data: URL of a PNG, JPEG or WebP picture"
  private static let types = ["image/png", "image/jpeg", "image/jpg", "image/webp"]

  /// The bytes of a picture.
  /// - Parameter place: what errors call it.
  /// - Throws: ``APIError`` of status 400.
  static func bytes(_ url: String, place: String) throws(APIError) -> [UInt8] {
    func error(_ problem: String) -> APIError {
      APIError(400, "\(place): \(problem)", param: place, code: "invalid_image_url")
    }
    guard url.prefix(5).lowercased() == "data:" else {
      let found = url.lowercased()
      let what =
        found.hasPrefix("http:") || found.hasPrefix("https:")
        ? "a web address" : found.hasPrefix("file:") || url.hasPrefix("/") ? "the path of a file" : "no such"
      throw error("found \(what), expected \(expected); this server opens neither addresses nor files")
    }
    guard let comma = url.firstIndex(of: ",") else { throw error("found no comma, expected \(expected)") }
    let words = url[url.index(url.startIndex, offsetBy: 5)..<comma].lowercased().split(separator: ";")
    guard let type = words.first, types.contains(String(type)) else {
      throw error("found the type \(words.first?.prefix(40) ?? "none"), expected \(expected)")
    }
    guard words.last == "base64", words.count > 1 else { throw error("expected base64 after the type") }
    guard let data = Data(base64Encoded: String(url[url.index(after: comma)...])), !data.isEmpty else {
      throw error("the base64 is broken")
    }
    return Array(data)
  }
}
