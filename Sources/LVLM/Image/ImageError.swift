/// Why a picture could not be read or written; the description is one line that names the file.
public struct ImageError: Error, Equatable, Sendable, CustomStringConvertible {
  /// What went wrong.
  public enum Reason: Equatable, Sendable {
    /// There is no such file.
    case missing
    /// The system refused: permissions, a folder, a read error; with the system's words.
    case unreadable(String)
    /// None of PNG, JPEG and WebP; with the first bytes.
    case notAnImage(firstBytes: [UInt8])
    /// The file ends too early; where, and what was expected there.
    case truncated(String)
    /// The bytes contradict the format; the decoder's words.
    case corrupt(String)
    /// More pixels than the limit.
    case tooManyPixels(width: Int, height: Int, limit: Int)
    /// A side longer than the limit: padded to a square, it would need too much memory.
    case sideTooLong(width: Int, height: Int, limit: Int)
    /// More bytes than the limit.
    case tooManyBytes(found: Int, limit: Int)
    /// No model of the kind at hand can show it; with what was found.
    case cannotBeShown(String)
    /// The picture could not be written; with the system's words.
    case notWritten(String)
  }

  /// The file, or the name given for bytes in memory.
  public var file: String
  /// What went wrong.
  public var reason: Reason

  /// Creates an error.
  public init(file: String, reason: Reason) {
    self.file = file
    self.reason = reason
  }

  /// One line: the file, what was found, what was expected.
  public var description: String {
    switch reason {
    case .missing:
      return "\(file): no such image file"
    case .unreadable(let why):
      return "\(file): cannot read image file: \(why)"
    case .notAnImage(let bytes):
      if let format = ForeignImageFormat(bytes) {
        return "\(file): is a \(format.rawValue), which is not read; convert it to PNG, JPEG or WebP"
      }
      let hex = bytes.prefix(8).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
      let found = bytes.isEmpty ? "an empty file" : "the bytes " + hex.joined(separator: " ")
      return "\(file): not an image: expected a PNG, JPEG or WebP, found \(found)"
    case .truncated(let detail):
      return "\(file): image is cut short: \(detail)"
    case .corrupt(let detail):
      return "\(file): image is damaged: \(detail)"
    case .tooManyPixels(let width, let height, let limit):
      return "\(file): image is too large: \(width)x\(height) pixels, at most \(limit) pixels are allowed"
    case .sideTooLong(let width, let height, let limit):
      return "\(file): image is too large: \(width)x\(height) pixels, a side may have at most \(limit)"
    case .tooManyBytes(let found, let limit):
      return "\(file): image is too large: \(found) bytes, at most \(limit) bytes are allowed"
    case .cannotBeShown(let found):
      return "\(file): image cannot be shown: found \(found)"
    case .notWritten(let why):
      return "\(file): cannot write image: \(why)"
    }
  }
}

/// How large a picture may be before it is refused; checked before memory is taken for the pixels.
public struct ImageLimits: Sendable, Equatable {
  /// The largest number of pixels (width × height).
  public var maximumPixels: Int
  /// The longest side in pixels.
  public var maximumSide: Int
  /// The largest file in bytes.
  public var maximumBytes: Int

  /// Creates limits: 64 megapixels, 16,384 pixels a side and 256 MiB unless told otherwise.
  public init(
    maximumPixels: Int = 64_000_000, maximumSide: Int = 16_384, maximumBytes: Int = 256 << 20
  ) {
    self.maximumPixels = maximumPixels
    self.maximumSide = maximumSide
    self.maximumBytes = maximumBytes
  }

  func check(width: Int, height: Int, file: String) throws(ImageError) {
    let (pixels, overflow) = width.multipliedReportingOverflow(by: height)
    if overflow || pixels > maximumPixels {
      throw ImageError(
        file: file, reason: .tooManyPixels(width: width, height: height, limit: maximumPixels))
    }
    if max(width, height) > maximumSide {
      throw ImageError(file: file, reason: .sideTooLong(width: width, height: height, limit: maximumSide))
    }
  }
}
