import Foundation
import LVLM

/// A picture as it is put into the report: the bytes of a PNG, JPEG or WebP file, and its size.
public struct ReportPicture: Sendable, Equatable {
  /// The encoded file.
  public var bytes: [UInt8]
  /// `image/png`, `image/jpeg` or `image/webp`.
  public var mediaType: String
  /// Width in pixels.
  public var width: Int
  /// Height in pixels.
  public var height: Int

  /// Creates a picture from encoded bytes.
  public init(bytes: [UInt8], mediaType: String = "image/png", width: Int, height: Int) {
    self.bytes = bytes
    self.mediaType = mediaType
    self.width = width
    self.height = height
  }

  /// The largest file that goes into the report as it is.
  private static let largestFile = 48 << 10
  /// The longest side of a picture that was made smaller.
  private static let longestSide = 256

  /// Reads a picture; a large file is scaled to at most 256 pixels a side.
  /// - Throws: ``ImageError`` naming the file.
  public init(contentsOf path: String) throws {
    let image = try RGBImage(contentsOf: path)
    let file = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    guard file.count > Self.largestFile else {
      self.init(
        bytes: file, mediaType: Self.mediaType(of: file), width: image.width, height: image.height)
      return
    }
    let longest = max(image.width, image.height)
    let fitted = longest > Self.longestSide ? image.fitted(into: Self.longestSide) : image
    try self.init(bytes: fitted.pngBytes(), width: fitted.width, height: fitted.height)
  }

  /// The type of a file that was read as a picture.
  private static func mediaType(of file: [UInt8]) -> String {
    if file.starts(with: [0xFF, 0xD8]) { return "image/jpeg" }
    return file.starts(with: Array("RIFF".utf8)) ? "image/webp" : "image/png"
  }

  /// The picture as a URI that needs no file.
  var dataURI: String { "data:\(mediaType);base64,\(Data(bytes).base64EncodedString())" }

  /// Whether enlarging should keep pixels as squares.
  var isSmall: Bool { max(width, height) <= 128 }
}
