import Dispatch
import Foundation
import LVLM
import MultiImageData
import Synchronization
import Tensor

/// Where a picture comes from: a record of the data source, or a file.
public enum Picture: Hashable, Sendable {
  /// A record of the data source.
  case source(ImageReference)
  /// A file.
  case file(String)
  /// A file with noise on it.
  case noisy(String, PictureNoise)
  /// A file whose picture has less to see.
  case corrupted(String, PictureCorruption)
  /// A canvas of records of the data source.
  case composed(ComposedPicture)
}

extension Picture {
  /// What errors call it.
  fileprivate var name: String {
    switch self {
    case .source(let reference): reference.path
    case .file(let path), .noisy(let path, _), .corrupted(let path, _): path
    case .composed: "a picture of several"
    }
  }
}

/// A picture as a prompt shows it: some families cut one finer that is alone.
public struct ShownPicture: Hashable, Sendable {
  /// The picture.
  public var picture: Picture
  /// Whether its prompt shows no other; false where that makes no difference.
  public var isAlone: Bool
}

/// Reads pictures and prepares them for the vision encoder; prepared pictures are kept in 8 bits up to a
/// limit.
public final class PictureStore: Sendable {
  private struct Kept {
    var prepared: [ShownPicture: [RGBImage]] = [:]
    var bytes = 0
    /// Width and height of pictures, where they matter.
    var sizes: [Picture: (width: Int, height: Int)] = [:]
  }

  private let source: any QuestionSource
  private let processor: any PictureProcessor
  private let limit: Int
  private let verify: @Sendable (String) throws -> Void
  private let kept = Mutex(Kept())

  /// Memory for prepared pictures where nothing else is said.
  public static let defaultCacheBytes = 192 << 20

  /// - Parameters:
  ///   - cacheBytes: memory for prepared pictures; once it is full, further ones are read each time.
  ///   - verify: called with the path of a picture that is given as a file, before and after it is read;
  ///     throws when the file is not what it was.
  public init(
    source: any QuestionSource, processor: any PictureProcessor,
    cacheBytes: Int = PictureStore.defaultCacheBytes,
    verify: @escaping @Sendable (String) throws -> Void = { _ in }
  ) {
    self.verify = verify
    self.source = source
    self.processor = processor
    limit = cacheBytes
  }

  /// Bytes of a kept picture of so many pixels on each side.
  package static func bytesPerPicture(side: Int) -> Int { side * side * 3 }

  /// How many features pictures have, and of what.
  public var geometry: any PictureGeometry { processor.geometry }

  /// The pictures of one prompt as it shows them.
  public func shown(_ pictures: [Picture]) -> [ShownPicture] {
    let isAlone = pictures.count == 1 && processor.geometry.fixed == nil
    return pictures.map { ShownPicture(picture: $0, isAlone: isAlone) }
  }

  /// The normalised pixels of the views of pictures, `[views of all pictures, 3, side, side]`.
  /// - Throws: `ImageError` naming the first file, in the order given, that cannot be used.
  public func pixels(_ pictures: [ShownPicture]) throws -> Tensor {
    let side = processor.viewSide
    let area = 3 * side * side
    guard processor.geometry.fixed != nil else {
      let values = Mutex<[Int: [Float]]>([:])
      try forEach(pictures) { index, prepared in
        let own = processor.values(prepared)
        values.withLock { $0[index] = own }
      }
      let all = values.withLock { values in pictures.indices.flatMap { values[$0] ?? [] } }
      return Tensor(all, shape: [all.count / area, 3, side, side])
    }
    let values = try [Float](unsafeUninitializedCapacity: pictures.count * area) { buffer, count in
      nonisolated(unsafe) let base = buffer
      try forEach(pictures) { index, prepared in
        _ = UnsafeMutableBufferPointer(rebasing: base[index * area..<(index + 1) * area])
          .initialize(from: processor.values(prepared))
      }
      count = pictures.count * area
    }
    return Tensor(values, shape: [pictures.count, 3, side, side])
  }

  /// The views that show all of each picture, `[pictures, 3, side, side]`.
  /// - Throws: As ``pixels(_:)``.
  func wholeViews(_ pictures: [Picture]) throws -> Tensor {
    let shown = pictures.flatMap { self.shown([$0]) }
    let pixels = try pixels(shown)
    guard processor.geometry.fixed == nil else { return pixels }
    var first = 0
    let rows = try shown.map { picture in
      let tiles = try grid(of: picture).tiles
      defer { first += tiles.views }
      return Int32(first + tiles.wholeView)
    }
    return pixels.rows(at: Tensor(rows))
  }

  /// Prepares pictures on all threads.
  /// - Throws: `ImageError` naming the first file, in the order given, that cannot be used.
  private func forEach(
    _ pictures: [ShownPicture], body: @Sendable (Int, [RGBImage]) -> Void
  ) throws {
    let failures = Mutex<[Int: any Error]>([:])
    DispatchQueue.concurrentPerform(iterations: pictures.count) { index in
      do { body(index, try prepared(pictures[index])) } catch { failures.withLock { $0[index] = error } }
    }
    if let first = failures.withLock({ $0.min { $0.key < $1.key } }) { throw first.value }
  }

  /// The features that a picture has.
  /// - Throws: `ImageError` when its size matters and it cannot be read.
  public func grid(of shown: ShownPicture) throws -> FeatureGrid {
    if let fixed = processor.geometry.fixed { return fixed }
    let size: (width: Int, height: Int)
    if let known = kept.withLock({ $0.sizes[shown.picture] }) {
      size = known
    } else {
      let image = try image(shown.picture)
      size = (image.width, image.height)
    }
    return try processor.geometry.grid(
      of: shown.picture.name, width: size.width, height: size.height, isAlone: shown.isAlone)
  }

  private func image(_ picture: Picture) throws -> RGBImage {
    let file: String? =
      switch picture {
      case .file(let path), .noisy(let path, _), .corrupted(let path, _): path
      case .source, .composed: nil
      }
    if let file { try verify(file) }
    let image =
      switch picture {
      case .source(let reference): try source.image(for: reference)
      case .file(let path): try RGBImage(contentsOf: path)
      case .noisy(let path, let noise): noise.applied(to: try RGBImage(contentsOf: path))
      case .corrupted(let path, let corruption): try corrupted(RGBImage(contentsOf: path), corruption)
      case .composed(let canvas): try canvas.drawn(from: source)
      }
    if let file { try verify(file) }
    if processor.geometry.fixed == nil {
      kept.withLock { $0.sizes[picture] = (image.width, image.height) }
    }
    return image
  }

  /// A picture with less to see. Where sizes decide how a picture is cut it keeps its own: its prompt has as
  /// many tokens for it as before.
  private func corrupted(_ picture: RGBImage, _ corruption: PictureCorruption) -> RGBImage {
    let less = corruption.applied(to: picture)
    guard processor.geometry.fixed == nil, (less.width, less.height) != (picture.width, picture.height) else {
      return less
    }
    return less.resized(width: picture.width, height: picture.height, filter: .bicubic)
  }

  /// What the views of one picture are made of.
  private func prepared(_ shown: ShownPicture) throws -> [RGBImage] {
    if let known = kept.withLock({ $0.prepared[shown] }) { return known }
    let prepared = processor.prepared(try image(shown.picture), isAlone: shown.isAlone)
    // A canvas of training is seen once.
    if case .composed = shown.picture { return prepared }
    let bytes = prepared.reduce(0) { $0 + $1.pixels.count }
    kept.withLock { kept in
      guard kept.bytes + bytes <= limit, kept.prepared[shown] == nil else { return }
      kept.prepared[shown] = prepared
      kept.bytes += bytes
    }
    return prepared
  }
}
