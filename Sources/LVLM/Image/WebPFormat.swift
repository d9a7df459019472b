import CMIAWebP

/// WebP through libwebp: lossy and lossless, with and without transparency, with the orientation of an EXIF
/// or XMP chunk applied. Of an animation its first frame, as Pillow's `Image.open` gives it.
enum WebPFormat {
  /// Whether bytes begin as a WebP does; a dozen are enough.
  static func begins(_ bytes: [UInt8]) -> Bool {
    bytes.starts(with: Array("RIFF".utf8)) && bytes.dropFirst(8).starts(with: Array("WEBP".utf8))
  }

  /// Decodes to RGB; transparency is composited on white as Pillow does it, or left out.
  static func decode(
    _ bytes: [UInt8], name: String, limits: ImageLimits, transparency: TransparencyRule
  ) throws(ImageError) -> RGBImage {
    try checkLength(bytes, name: name)
    let result = bytes.withUnsafeBufferPointer { source in
      Result { () throws(ImageError) in
        try contents(source, name: name, limits: limits)
      }
    }
    let found = try result.get()
    // Four samples for each pixel say nothing yet: of an animation the decoder knows no others.
    let rule = found.isTransparent ? transparency : .dropped
    let colours = found.channels == 4 ? rule.colours(found.samples) : found.samples
    let stored = RGBImage(width: found.width, height: found.height, pixels: colours)
    return stored.oriented(PictureOrientation.of(exif: found.exif, xmp: found.xmp))
  }

  private struct Contents {
    var width, height: Int
    /// `height · width · channels` bytes.
    var samples: [UInt8]
    /// 3, or with opacity 4.
    var channels: Int
    /// Whether the file says that opacity counts.
    var isTransparent: Bool
    var exif, xmp: [UInt8]?
  }

  private static func contents(
    _ source: UnsafeBufferPointer<UInt8>, name: String, limits: ImageLimits
  ) throws(ImageError) -> Contents {
    func damaged(_ words: String) -> ImageError {
      ImageError(file: name, reason: .corrupt("WebP: " + words))
    }
    var data = WebPData(bytes: source.baseAddress, size: source.count)
    guard let container = WebPDemux(&data) else { throw damaged("its chunks do not make a picture") }
    defer { WebPDemuxDelete(container) }
    let width = Int(WebPDemuxGetI(container, WEBP_FF_CANVAS_WIDTH))
    let height = Int(WebPDemuxGetI(container, WEBP_FF_CANVAS_HEIGHT))
    guard width > 0, height > 0, WebPDemuxGetI(container, WEBP_FF_FRAME_COUNT) > 0 else {
      throw damaged("it has no frame")
    }
    try limits.check(width: width, height: height, file: name)
    let flags = WebPDemuxGetI(container, WEBP_FF_FORMAT_FLAGS)
    let isTransparent = flags & ALPHA_FLAG.rawValue != 0
    let isAnimated = flags & ANIMATION_FLAG.rawValue != 0
    let channels = isTransparent || isAnimated ? 4 : 3
    let samples =
      isAnimated
      ? firstFrame(&data, count: width * height * 4)
      : picture(source, width: width, height: height, hasOpacity: isTransparent)
    guard let samples else { throw damaged("its pixels could not be decoded") }
    return Contents(
      width: width, height: height, samples: samples, channels: channels, isTransparent: isTransparent,
      exif: chunk("EXIF", of: container), xmp: chunk("XMP ", of: container))
  }

  /// The samples of a picture that does not move; nil when that fails.
  private static func picture(
    _ source: UnsafeBufferPointer<UInt8>, width: Int, height: Int, hasOpacity: Bool
  ) -> [UInt8]? {
    // What is not written would be memory as it was before.
    var (wide, high): (Int32, Int32) = (0, 0)
    guard WebPGetInfo(source.baseAddress, source.count, &wide, &high) != 0, wide == width, high == height
    else { return nil }
    let stride = width * (hasOpacity ? 4 : 3)
    var succeeded = false
    let samples = [UInt8](unsafeUninitializedCapacity: stride * height) { buffer, count in
      let decode = hasOpacity ? WebPDecodeRGBAInto : WebPDecodeRGBInto
      succeeded =
        decode(source.baseAddress, source.count, buffer.baseAddress, stride * height, Int32(stride)) != nil
      count = succeeded ? stride * height : 0
    }
    return succeeded ? samples : nil
  }

  /// The canvas of an animation with its first frame on it, four samples for each pixel; nil when that fails.
  private static func firstFrame(_ data: inout WebPData, count: Int) -> [UInt8]? {
    var options = WebPAnimDecoderOptions()
    guard WebPAnimDecoderOptionsInit(&options) != 0 else { return nil }
    options.color_mode = MODE_RGBA
    options.use_threads = 0
    guard let decoder = WebPAnimDecoderNew(&data, &options) else { return nil }
    defer { WebPAnimDecoderDelete(decoder) }
    var frame: UnsafeMutablePointer<UInt8>?
    var time: Int32 = 0
    guard WebPAnimDecoderGetNext(decoder, &frame, &time) != 0, let frame else { return nil }
    return Array(UnsafeBufferPointer(start: frame, count: count))
  }

  /// The body of the first chunk of a kind.
  private static func chunk(_ kind: String, of container: OpaquePointer) -> [UInt8]? {
    var iterator = WebPChunkIterator()
    defer { WebPDemuxReleaseChunkIterator(&iterator) }
    guard WebPDemuxGetChunk(container, kind, 1, &iterator) != 0 else { return nil }
    return Array(UnsafeBufferPointer(start: iterator.chunk.bytes, count: iterator.chunk.size))
  }

  /// Compares the length that the container states, so that a cut file is told from a damaged one.
  private static func checkLength(_ bytes: [UInt8], name: String) throws(ImageError) {
    let stated = 8 + (4..<8).reduce(0) { $0 | Int(bytes[$1]) << (8 * ($1 - 4)) }
    guard stated <= bytes.count else {
      throw ImageError(
        file: name, reason: .truncated("WebP ends at byte \(bytes.count), its header states \(stated) bytes"))
    }
  }
}
