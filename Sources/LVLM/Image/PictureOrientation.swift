import Checkpoint

/// How a stored picture is turned, from all places in which Pillow's `exif_transpose` finds it: an EXIF
/// block, the hexadecimal one that ImageMagick writes, and the XMP text where those say nothing.
enum PictureOrientation {
  /// EXIF's number of a JPEG, 1 (as stored) … 8.
  static func ofJPEG(_ bytes: [UInt8]) -> Int {
    var exif: Int?
    var xmp: ArraySlice<UInt8>?
    let mark = Array("http://ns.adobe.com/xap/1.0/\u{0}".utf8)
    for segment in JPEGSegments(bytes) where segment.marker == 0xE1 {
      if segment.body.starts(with: Array("Exif\u{0}\u{0}".utf8)) {
        exif = exif ?? EXIFOrientation.read(tiff: Array(segment.body.dropFirst(6)))
      } else if segment.body.starts(with: mark) {
        xmp = segment.body.dropFirst(mark.count)
      }
    }
    return exif ?? xmp.flatMap(ofXMP) ?? 1
  }

  /// EXIF's number of a PNG whose chunks are whole, 1 (as stored) … 8.
  static func ofPNG(_ bytes: [UInt8]) -> Int {
    var exif: [UInt8]?
    var profile: [UInt8]?
    var xmp: ArraySlice<UInt8>?
    var offset = 8
    while offset + 12 <= bytes.count {
      let length = bytes[offset..<offset + 4].reduce(0) { $0 << 8 | Int($1) }
      guard offset + 12 + length <= bytes.count else { break }
      let body = bytes[offset + 8..<offset + 8 + length]
      switch String(decoding: bytes[offset + 4..<offset + 8], as: UTF8.self) {
      case "eXIf": exif = Array(body)
      case "tEXt": if let text = field("Raw profile type exif", in: body) { profile = Array(text) }
      case "zTXt":
        if let packed = field("Raw profile type exif", in: body), packed.first == 0 {
          profile = ZlibText.inflated(Array(packed.dropFirst()), limit: mostText)
        }
      case "iTXt":
        if let text = field("XML:com.adobe.xmp", in: body).flatMap(international) { xmp = text }
      case "IEND": offset = bytes.count
      default: break
      }
      offset += 12 + length
    }
    return of(exif: exif ?? profile.flatMap(unfolded), xmp: xmp.map(Array.init))
  }

  /// EXIF's number of what a container keeps in chunks, 1 (as stored) … 8.
  static func of(exif: [UInt8]?, xmp: [UInt8]?) -> Int {
    let mark = Array("Exif\u{0}\u{0}".utf8)
    let tiff = exif.map { $0.starts(with: mark) ? Array($0.dropFirst(mark.count)) : $0 }
    return tiff.flatMap(EXIFOrientation.read(tiff:)) ?? xmp.flatMap { ofXMP($0[...]) } ?? 1
  }

  /// Bytes of text that are still unfolded.
  private static let mostText = 1 << 20

  /// What stands behind a keyword and its zero.
  private static func field(_ name: String, in body: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    let mark = Array(name.utf8) + [0]
    return body.starts(with: mark) ? body.dropFirst(mark.count) : nil
  }

  /// The text of an iTXt chunk behind its keyword: flags, language and translated keyword come first.
  private static func international(_ rest: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    guard rest.count > 2 else { return nil }
    let isPacked = rest[rest.startIndex] == 1
    let parts = rest.dropFirst(2).split(separator: 0, maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count == 3 else { return nil }
    return isPacked ? ZlibText.inflated(Array(parts[2]), limit: mostText).map { $0[...] } : parts[2]
  }

  /// The bytes of a profile written in hexadecimal digits behind two lines with its name and length.
  private static func unfolded(_ text: [UInt8]) -> [UInt8]? {
    let lines = text.split(separator: 10, omittingEmptySubsequences: false)
    let digits = lines.dropFirst(3).joined().compactMap { Character(Unicode.Scalar($0)).hexDigitValue }
    guard !digits.isEmpty else { return nil }
    return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
  }

  /// The number behind `tiff:Orientation`, as an attribute or as an element.
  private static func ofXMP(_ text: ArraySlice<UInt8>) -> Int? {
    for mark in ["tiff:Orientation=\"", "tiff:Orientation>"] {
      let pattern = Array(mark.utf8)
      guard let found = text.firstRange(of: pattern), found.upperBound < text.endIndex else { continue }
      let digit = text[found.upperBound]
      if (0x31...0x38).contains(digit) { return Int(digit) - 0x30 }
    }
    return nil
  }
}

/// The segments of a JPEG before its pixels.
private struct JPEGSegments: Sequence, IteratorProtocol {
  private let bytes: [UInt8]
  private var offset = 2

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  mutating func next() -> (marker: UInt8, body: ArraySlice<UInt8>)? {
    while offset + 4 <= bytes.count, bytes[offset] == 0xFF {
      let marker = bytes[offset + 1]
      if marker == 0xFF {
        offset += 1
        continue
      }
      if marker == 0xDA || marker == 0xD9 { return nil }
      let length = Int(bytes[offset + 2]) << 8 | Int(bytes[offset + 3])
      guard length >= 2, offset + 2 + length <= bytes.count else { return nil }
      defer { offset += 2 + length }
      return (marker, bytes[offset + 4..<offset + 2 + length])
    }
    return nil
  }
}
