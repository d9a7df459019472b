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
        try decode(source, name: name, limits: limits)
      }
    }
    let picture = try result.get()
    let rule = picture.isTransparent ? transparency : .dropped
    let stored = RGBImage(
      width: picture.width, height: picture.height, pixels: rule.colours(picture.samples))
    return stored.oriented(PictureOrientation.of(exif: picture.exif, xmp: picture.xmp))
  }

  /// What a file has, colours with opacity.
  private struct Contents {
    var width, height: Int
    var samples: [UInt8]
    /// Whether the file says that opacity counts.
    var isTransparent: Bool
    var exif, xmp: [UInt8]?
  }

  private static func decode(
    _ source: UnsafeBufferPointer<UInt8>, name: String, limits: ImageLimits
  ) throws(ImageError) -> Contents {
    func damaged(_ words: String) -> ImageError {
      ImageError(file: name, reason: .corrupt("WebP: " + words))
    }
    var data = WebPData(bytes: source.baseAddress, size: source.count)
    // The size first: the decoder takes memory for two canvases when it is made.
    guard let container = WebPDemux(&data) else { throw damaged("its chunks do not make a picture") }
    defer { WebPDemuxDelete(container) }
    let width = Int(WebPDemuxGetI(container, WEBP_FF_CANVAS_WIDTH))
    let height = Int(WebPDemuxGetI(container, WEBP_FF_CANVAS_HEIGHT))
    guard width > 0, height > 0, WebPDemuxGetI(container, WEBP_FF_FRAME_COUNT) > 0 else {
      throw damaged("it has no frame")
    }
    try limits.check(width: width, height: height, file: name)

    var options = WebPAnimDecoderOptions()
    guard WebPAnimDecoderOptionsInit(&options) != 0 else {
      throw damaged("the library is of another version")
    }
    options.color_mode = MODE_RGBA
    options.use_threads = 0
    guard let decoder = WebPAnimDecoderNew(&data, &options) else {
      throw damaged("its chunks do not make a picture")
    }
    defer { WebPAnimDecoderDelete(decoder) }
    var frame: UnsafeMutablePointer<UInt8>?
    var time: Int32 = 0
    guard WebPAnimDecoderGetNext(decoder, &frame, &time) != 0, let frame else {
      throw damaged("its pixels could not be decoded")
    }
    let flags = WebPDemuxGetI(container, WEBP_FF_FORMAT_FLAGS)
    return Contents(
      width: width, height: height,
      samples: Array(UnsafeBufferPointer(start: frame, count: width * height * 4)),
      isTransparent: flags & ALPHA_FLAG.rawValue != 0,
      exif: chunk("EXIF", of: container), xmp: chunk("XMP ", of: container))
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
