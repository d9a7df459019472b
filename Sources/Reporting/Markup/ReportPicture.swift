import Foundation
import LVLM

/// A picture as it is put into the report: the bytes of a PNG or JPEG file, and its size.
public struct ReportPicture: Sendable, Equatable {
  /// The encoded file.
  public var bytes: [UInt8]
  /// `image/png` or `image/jpeg`.
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
        bytes: file, mediaType: file.starts(with: [0xFF, 0xD8]) ? "image/jpeg" : "image/png",
        width: image.width,
        height: image.height)
      return
    }
    let longest = max(image.width, image.height)
    let fitted = longest > Self.longestSide ? image.fitted(into: Self.longestSide) : image
    try self.init(bytes: fitted.pngBytes(), width: fitted.width, height: fitted.height)
  }

  /// The picture as a URI that needs no file.
  var dataURI: String { "data:\(mediaType);base64,\(Data(bytes).base64EncodedString())" }

  /// Whether enlarging should keep pixels as squares.
  var isSmall: Bool { max(width, height) <= 128 }
}
