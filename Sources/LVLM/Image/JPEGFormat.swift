import CMIATurboJPEG

/// JPEG through TurboJPEG: grey, RGB, CMYK and YCCK, with the EXIF orientation applied.
enum JPEGFormat {
  static func decode(
    _ bytes: [UInt8], name: String, limits: ImageLimits
  ) throws(ImageError) -> RGBImage {
    guard let handle = tjInitDecompress() else {
      throw ImageError(file: name, reason: .corrupt("JPEG: the decoder could not be started"))
    }
    defer { tjDestroy(handle) }
    var width: Int32 = 0
    var height: Int32 = 0
    var sampling: Int32 = 0
    var space: Int32 = 0
    let header = bytes.withUnsafeBufferPointer {
      tjDecompressHeader3(handle, $0.baseAddress, UInt($0.count), &width, &height, &sampling, &space)
    }
    guard header == 0 || isHarmless(handle) else { throw failure(handle, bytes, name) }
    guard width > 0, height > 0 else {
      throw ImageError(file: name, reason: .corrupt("JPEG: a side of the picture is 0"))
    }
    try limits.check(width: Int(width), height: Int(height), file: name)

    let isCMYK = space == Int32(TJCS_CMYK.rawValue) || space == Int32(TJCS_YCCK.rawValue)
    let format = isCMYK ? Int32(TJPF_CMYK.rawValue) : Int32(TJPF_RGB.rawValue)
    let total = Int(width) * Int(height) * (isCMYK ? 4 : 3)
    var result: Int32 = 0
    var samples = [UInt8](unsafeUninitializedCapacity: total) { buffer, count in
      buffer.initialize(repeating: 0)
      result = bytes.withUnsafeBufferPointer {
        tjDecompress2(
          handle, $0.baseAddress, UInt($0.count), buffer.baseAddress, width, 0, height, format,
          Int32(TJFLAG_LIMITSCANS))
      }
      count = total
    }
    guard result == 0 || isHarmless(handle) else { throw failure(handle, bytes, name) }
    if isCMYK { samples = rgb(fromAdobeCMYK: samples) }
    let picture = RGBImage(width: Int(width), height: Int(height), pixels: samples)
    return picture.oriented(PictureOrientation.ofJPEG(bytes))
  }

  /// Encodes as Pillow does: colours at half the resolution, the accurate transform.
  /// - Parameter quality: 1 … 100 on libjpeg's scale.
  static func encode(_ picture: RGBImage, quality: Int) throws(ImageError) -> [UInt8] {
    func refused(_ words: String) -> ImageError {
      ImageError(
        file: "\(picture.width)x\(picture.height) picture", reason: .notWritten("JPEG: " + words))
    }
    guard let handle = tjInitCompress() else { throw refused("the encoder could not be started") }
    defer { tjDestroy(handle) }
    let (width, height) = (Int32(picture.width), Int32(picture.height))
    let sampling = Int32(TJSAMP_420.rawValue)
    var size = tjBufSize(width, height, sampling)
    var result: Int32 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: Int(size)) { buffer, count in
      var target = buffer.baseAddress
      result = picture.pixels.withUnsafeBufferPointer {
        tjCompress2(
          handle, $0.baseAddress, width, 0, height, Int32(TJPF_RGB.rawValue), &target, &size, sampling,
          Int32(quality), Int32(TJFLAG_NOREALLOC | TJFLAG_ACCURATEDCT))
      }
      count = result == 0 ? Int(size) : 0
    }
    guard result == 0 else { throw refused(words(handle)) }
    return bytes
  }

  /// Bytes between two markers that belong to nothing: common in photographs, and no pixel is affected.
  private static func isHarmless(_ handle: tjhandle) -> Bool {
    tjGetErrorCode(handle) == Int32(TJERR_WARNING.rawValue) && words(handle).contains("extraneous bytes")
  }

  private static func words(_ handle: tjhandle) -> String {
    String(cString: tjGetErrorStr2(handle))
  }

  private static func failure(_ handle: tjhandle, _ bytes: [UInt8], _ name: String) -> ImageError {
    let message = words(handle)
    if message.contains("Premature end") || message.contains("empty input") || !hasEndMarker(bytes) {
      return ImageError(
        file: name, reason: .truncated("JPEG ends at byte \(bytes.count) without its end marker (\(message))")
      )
    }
    return ImageError(file: name, reason: .corrupt("JPEG: " + message))
  }

  private static func hasEndMarker(_ bytes: [UInt8]) -> Bool {
    bytes.count >= 4 && bytes[bytes.count - 2] == 0xFF && bytes[bytes.count - 1] == 0xD9
  }

  /// Adobe's files store inverted inks; colours as Pillow converts them.
  private static func rgb(fromAdobeCMYK cmyk: [UInt8]) -> [UInt8] {
    let pixels = cmyk.count / 4
    return [UInt8](unsafeUninitializedCapacity: pixels * 3) { buffer, count in
      for pixel in 0..<pixels {
        let key = Int(cmyk[pixel * 4 + 3])
        for channel in 0..<3 {
          let product = (255 - Int(cmyk[pixel * 4 + channel])) * key + 128
          buffer[pixel * 3 + channel] = UInt8(clamping: key - ((product >> 8) + product) >> 8)
        }
      }
      count = pixels * 3
    }
  }
}
