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

/// Reads pictures and prepares them for the vision tower; prepared pictures are kept in 8 bits up to a limit.
public final class PictureStore: Sendable {
  private let source: any QuestionSource
  private let processor: ImageProcessor
  private let limit: Int
  private let kept = Mutex<[Picture: RGBImage]>([:])

  /// Memory for prepared pictures where nothing else is said.
  public static let defaultCacheBytes = 192 << 20

  /// - Parameter cacheBytes: memory for prepared pictures; once it is full, further ones are read each time.
  public init(
    source: any QuestionSource, processor: ImageProcessor, cacheBytes: Int = PictureStore.defaultCacheBytes
  ) {
    self.source = source
    self.processor = processor
    limit = cacheBytes / Self.bytesPerPicture(side: processor.configuration.size)
  }

  /// Bytes of a kept picture of so many pixels on each side.
  package static func bytesPerPicture(side: Int) -> Int { side * side * 3 }

  /// The normalised pixels of pictures, `[pictures, 3, side, side]`.
  /// - Throws: `ImageError` naming the first file, in the order given, that cannot be used.
  public func pixels(_ pictures: [Picture]) throws -> Tensor {
    let side = processor.configuration.size
    let area = 3 * side * side
    let failures = Mutex<[Int: any Error]>([:])
    let values = [Float](unsafeUninitializedCapacity: pictures.count * area) { buffer, count in
      nonisolated(unsafe) let base = buffer
      DispatchQueue.concurrentPerform(iterations: pictures.count) { index in
        do {
          let prepared = processor.values(try square(pictures[index]))
          _ = UnsafeMutableBufferPointer(rebasing: base[index * area..<(index + 1) * area])
            .initialize(from: prepared)
        } catch {
          failures.withLock { $0[index] = error }
          base[index * area..<(index + 1) * area].initialize(repeating: 0)
        }
      }
      count = pictures.count * area
    }
    if let first = failures.withLock({ $0.min { $0.key < $1.key } }) { throw first.value }
    return Tensor(values, shape: [pictures.count, 3, side, side])
  }

  /// The features that a picture has.
  /// - Throws: `ImageError` when its size matters and it cannot be read.
  func grid(of picture: Picture, by geometry: any PictureGeometry) throws -> FeatureGrid {
    if let fixed = geometry.fixed { return fixed }
    let image = try image(picture)
    return geometry.grid(width: image.width, height: image.height, isAlone: false)
  }

  private func image(_ picture: Picture) throws -> RGBImage {
    switch picture {
    case .source(let reference): try source.image(for: reference)
    case .file(let path): try RGBImage(contentsOf: path)
    case .noisy(let path, let noise): noise.applied(to: try RGBImage(contentsOf: path))
    case .corrupted(let path, let corruption): corruption.applied(to: try RGBImage(contentsOf: path))
    case .composed(let canvas): try canvas.drawn(from: source)
    }
  }

  /// The square the model sees of one picture.
  public func square(_ picture: Picture) throws -> RGBImage {
    if let known = kept.withLock({ $0[picture] }) { return known }
    let square = processor.square(try image(picture))
    // A canvas of training is seen once.
    if case .composed = picture { return square }
    kept.withLock { if $0.count < limit { $0[picture] = square } }
    return square
  }
}
