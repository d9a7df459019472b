import CMIAPNG

/// PNG through libpng. Samples are read as they are stored, whatever gamma a file states, and of 16 bits the
/// high byte, as Pillow reads them. (Of 16-bit grey too: Pillow's own conversion of that one type to RGB
/// clips at 255.)
enum PNGFormat {
  static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

  /// How long a chunk must be that libpng passes over where it is shorter, and Pillow refuses.
  private static func leastBytes(of chunk: String, colourType: UInt8) -> Int? {
    switch (chunk, colourType) {
    case ("cHRM", _): 32
    case ("gAMA", _): 4
    case ("sRGB", _): 1
    case ("pHYs", _): 9
    // One grey, or one colour, of 16 bits a sample.
    case ("tRNS", 0): 2
    case ("tRNS", 2): 6
    default: nil
    }
  }

  /// Decodes any colour type and depth to RGB; transparency is composited on white as Pillow does it, or left
  /// out.
  static func decode(
    _ bytes: [UInt8], name: String, limits: ImageLimits, transparency: TransparencyRule
  ) throws(ImageError) -> RGBImage {
    let size = try checkChunks(bytes, name: name)
    try limits.check(width: size.width, height: size.height, file: name)

    var reader = cpng_reader()
    defer { cpng_close(&reader) }
    var samples: [UInt8] = []
    let succeeded = bytes.withUnsafeBufferPointer { source in
      guard cpng_open(&reader, source.baseAddress, source.count) != 0,
        Int(reader.width) == size.width, Int(reader.height) == size.height
      else { return false }
      let total = size.width * size.height * Int(reader.channels)
      var finished = false
      samples = [UInt8](unsafeUninitializedCapacity: total) { buffer, count in
        finished = cpng_read(&reader, buffer.baseAddress) != 0
        count = finished ? total : 0
      }
      return finished
    }
    guard succeeded else { throw ImageError(file: name, reason: .corrupt("PNG: " + text(reader.message))) }
    if reader.channels == 4 { samples = transparency.colours(samples) }
    let picture = RGBImage(width: size.width, height: size.height, pixels: samples)
    return picture.oriented(PictureOrientation.ofPNG(bytes))
  }

  /// Encodes 8-bit RGB without metadata.
  static func encode(_ picture: RGBImage) throws(ImageError) -> [UInt8] {
    var image = png_image()
    image.version = png_uint_32(PNG_IMAGE_VERSION)
    image.width = png_uint_32(picture.width)
    image.height = png_uint_32(picture.height)
    image.format = png_uint_32(PNG_FORMAT_FLAG_COLOR)
    defer { png_image_free(&image) }
    let raw = (picture.width * 3 + 1) * picture.height
    var size = png_alloc_size_t(raw + raw / 64 + 4096)
    var succeeded = false
    let bytes = [UInt8](unsafeUninitializedCapacity: Int(size)) { buffer, count in
      succeeded =
        picture.pixels.withUnsafeBytes { source in
          png_image_write_to_memory(&image, buffer.baseAddress, &size, 0, source.baseAddress, 0, nil)
        } != 0
      count = succeeded ? Int(size) : 0
    }
    guard succeeded else {
      throw ImageError(
        file: "\(picture.width)x\(picture.height) picture", reason: .notWritten("PNG: " + text(image.message))
      )
    }
    return bytes
  }

  /// Walks the chunks up to IEND, so that a cut file is told from a damaged one.
  private static func checkChunks(
    _ bytes: [UInt8], name: String
  ) throws(ImageError) -> (width: Int, height: Int) {
    func truncated(_ detail: String) -> ImageError {
      ImageError(file: name, reason: .truncated("PNG ends at byte \(bytes.count), " + detail))
    }
    func number(_ at: Int) -> Int {
      Int(bytes[at]) << 24 | Int(bytes[at + 1]) << 16 | Int(bytes[at + 2]) << 8 | Int(bytes[at + 3])
    }
    guard bytes.count >= 8 else { throw truncated("inside its signature") }
    guard bytes.starts(with: signature) else {
      throw ImageError(file: name, reason: .corrupt("PNG: its signature was changed in transfer"))
    }
    var offset = 8
    var size: (width: Int, height: Int)?
    while true {
      guard offset + 12 <= bytes.count else { throw truncated("before its IEND chunk") }
      let length = number(offset)
      let type = String(decoding: bytes[offset + 4..<offset + 8], as: UTF8.self)
      guard offset + 12 + length <= bytes.count else {
        throw truncated("its \(type) chunk at byte \(offset) needs \(length) bytes")
      }
      if size == nil {
        guard type == "IHDR", length == 13 else {
          throw ImageError(file: name, reason: .corrupt("PNG: the first chunk is not IHDR"))
        }
        size = (number(offset + 8), number(offset + 12))
      }
      if let least = leastBytes(of: type, colourType: bytes[25]), length < least {
        throw ImageError(
          file: name, reason: .corrupt("PNG: its \(type) chunk has \(length) bytes, expected \(least)"))
      }
      if type == "IEND" { break }
      offset += 12 + length
    }
    guard let size, size.width > 0, size.height > 0 else {
      throw ImageError(file: name, reason: .corrupt("PNG: a side of the picture is 0"))
    }
    return size
  }

  private static func text<Characters>(_ characters: Characters) -> String {
    withUnsafeBytes(of: characters) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
  }
}
