import Checkpoint
import Foundation
import Tensor

extension RGBImage {
  /// Reads a PNG, JPEG or WebP file; which one is decided by its content, whatever its name.
  ///
  /// Greys become three equal samples, and the picture is turned as its EXIF or XMP orientation says. Of an
  /// animated WebP the first frame is read, as Pillow does.
  /// - Parameter transparency: what becomes of transparent pixels.
  /// - Throws: ``ImageError`` naming the file when it is missing, unreadable, not an image, cut short,
  ///   damaged or larger than `limits`.
  public init(
    contentsOf path: String, limits: ImageLimits = ImageLimits(), transparency: TransparencyRule = .onWhite
  ) throws(ImageError) {
    self = try RGBImage(
      decoding: readBytes(path, limits: limits), name: path, limits: limits, transparency: transparency)
  }

  /// Decodes a PNG, JPEG or WebP in memory; see ``init(contentsOf:limits:)``.
  /// - Parameter name: what errors call it.
  public init(
    decoding bytes: [UInt8], name: String, limits: ImageLimits = ImageLimits(),
    transparency: TransparencyRule = .onWhite
  ) throws(ImageError) {
    guard !GitLFSPointer.isPointer(bytes, count: bytes.count) else {
      throw ImageError(file: name, reason: .unreadable("found " + GitLFSPointer.words))
    }
    if bytes.starts(with: PNGFormat.signature.prefix(4)) {
      self = try PNGFormat.decode(bytes, name: name, limits: limits, transparency: transparency)
    } else if bytes.starts(with: [0xFF, 0xD8, 0xFF]) {
      self = try JPEGFormat.decode(bytes, name: name, limits: limits)
    } else if WebPFormat.begins(bytes) {
      self = try WebPFormat.decode(bytes, name: name, limits: limits, transparency: transparency)
    } else {
      throw ImageError(file: name, reason: .notAnImage(firstBytes: Array(bytes.prefix(16))))
    }
  }

  /// Writes an RGB PNG; an existing file is replaced only when all bytes are on disk.
  /// - Throws: ``ImageError`` naming the file.
  public func writePNG(to path: String) throws(ImageError) {
    try Self.write(try pngBytes(), to: path)
  }

  /// Writes a JPEG; an existing file is replaced only when all bytes are on disk.
  /// - Parameter quality: 1 … 100 on libjpeg's scale; 75 is Pillow's default.
  /// - Throws: ``ImageError`` naming the file.
  public func writeJPEG(to path: String, quality: Int = 75) throws(ImageError) {
    try Self.write(try jpegBytes(quality: quality), to: path)
  }

  /// The picture as the bytes of a JPEG, as Pillow encodes it: colours at half the resolution.
  /// - Precondition: `quality` is from 1 to 100.
  public func jpegBytes(quality: Int = 75) throws(ImageError) -> [UInt8] {
    tensorRequire((1...100).contains(quality), "jpegBytes", "no quality \(quality); it is from 1 to 100")
    return try JPEGFormat.encode(self, quality: quality)
  }

  private static func write(_ bytes: [UInt8], to path: String) throws(ImageError) {
    do {
      // Of thousands of pictures none is waited for: whoever counts on them waits for all together.
      try AtomicFile.write(bytes, to: URL(fileURLWithPath: path), isSynced: false)
    } catch {
      throw ImageError(file: path, reason: .notWritten((error as? CheckpointError)?.found ?? "\(error)"))
    }
  }

  /// The picture as the bytes of an RGB PNG; the same bytes for the same pixels.
  public func pngBytes() throws(ImageError) -> [UInt8] {
    try PNGFormat.encode(self)
  }
}

extension RGBImage {
  /// Looks at the beginning of a file alone.
  /// - Throws: ``ImageError`` unless it is there and begins as a PNG, JPEG or WebP does.
  package static func requirePicture(at path: String) throws(ImageError) {
    let (descriptor, _) = try openPicture(path)
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 16)
    let count = read(descriptor, &bytes, bytes.count)
    guard count >= 0 else {
      throw ImageError(file: path, reason: .unreadable(String(cString: strerror(errno))))
    }
    bytes.removeLast(bytes.count - count)
    guard
      bytes.starts(with: PNGFormat.signature.prefix(4)) || bytes.starts(with: [0xFF, 0xD8, 0xFF])
        || WebPFormat.begins(bytes)
    else {
      throw ImageError(file: path, reason: .notAnImage(firstBytes: bytes))
    }
  }
}

/// Opens a regular file, whose size comes with it.
private func openPicture(_ path: String) throws(ImageError) -> (descriptor: Int32, size: Int) {
  // A pipe is refused below and not waited for.
  let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
  guard descriptor >= 0 else {
    let missing = errno == ENOENT || errno == ENOTDIR
    throw ImageError(file: path, reason: missing ? .missing : .unreadable(String(cString: strerror(errno))))
  }
  var status = stat()
  guard fstat(descriptor, &status) == 0 else {
    let why = String(cString: strerror(errno))
    close(descriptor)
    throw ImageError(file: path, reason: .unreadable(why))
  }
  guard status.st_mode & S_IFMT == S_IFREG else {
    let what = status.st_mode & S_IFMT == S_IFDIR ? "it is a folder" : "it is not a regular file"
    close(descriptor)
    throw ImageError(file: path, reason: .unreadable(what))
  }
  return (descriptor, Int(status.st_size))
}

/// All bytes of a file, after its size was checked.
private func readBytes(_ path: String, limits: ImageLimits) throws(ImageError) -> [UInt8] {
  let (descriptor, size) = try openPicture(path)
  defer { close(descriptor) }
  guard size <= limits.maximumBytes else {
    throw ImageError(file: path, reason: .tooManyBytes(found: size, limit: limits.maximumBytes))
  }
  var failure: Int32 = 0
  let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
    count = 0
    while count < size {
      let got = read(descriptor, buffer.baseAddress! + count, size - count)
      if got < 0 {
        if errno == EINTR { continue }
        failure = errno
        return
      }
      if got == 0 { return }
      count += got
    }
  }
  guard failure == 0 else {
    throw ImageError(file: path, reason: .unreadable(String(cString: strerror(failure))))
  }
  return bytes
}
