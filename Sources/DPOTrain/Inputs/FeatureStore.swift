import Foundation
import LVLM
import Tensor

/// Image features of a batch, and which picture has which.
public struct BatchFeatures {
  /// Each distinct picture once.
  public var features: ImageFeatures
  /// Which of them each picture is.
  public var numbers: [Picture: Int]
}

/// Turns pictures into projected image features.
///
/// What is frozen is computed once per picture: projected features when tower and projector are frozen, the
/// tower's features when only the tower is. The last bits of a feature depend on which pictures went through
/// the tower together, so kept features are computed in an order fixed beforehand by ``prepare(_:)``: a
/// resumed run must see the same bits as one that was never stopped.
public final class FeatureStore {
  /// Which parts of the image path get gradients.
  public enum Training: Sendable, Equatable {
    /// Tower and projector are frozen.
    case nothing
    /// The tower is frozen.
    case projector
    /// Neither is frozen.
    case everything
  }

  private let model: LlavaModel
  private let pictures: PictureStore
  private let training: Training
  private let limit: Int
  private let report: (String) -> Void
  private var kept: [Picture: Tensor] = [:]
  private var isPrepared = false
  /// Pictures per pass through the vision tower.
  private let chunk: Int

  /// Most pictures per pass, and most bytes of their features: large ones would fill the memory with one
  /// pass.
  private static let (mostPictures, mostBytes) = (64, 256 << 20)

  /// - Parameters:
  ///   - cacheBytes: memory for prepared features; pictures beyond it are computed each time, alone.
  ///   - report: gets a sentence when not all prepared features can be kept.
  public init(
    model: LlavaModel, pictures: PictureStore, training: Training = .nothing,
    cacheBytes: Int = MachineMemory.featureCacheBytes, report: @escaping (String) -> Void = { _ in }
  ) {
    self.model = model
    self.pictures = pictures
    self.training = training
    self.report = report
    limit = cacheBytes
    let size = Self.bytesPerPicture(model.configuration, training)
    chunk = min(Self.mostPictures, max(1, Self.mostBytes / max(size, 1)))
  }

  /// Bytes of the features of one picture that are kept.
  package static func bytesPerPicture(_ configuration: LlavaConfiguration, _ training: Training) -> Int {
    let width = training == .projector ? configuration.vision.hiddenSize : configuration.text.hiddenSize
    return configuration.tokensPerImage * width * DType.float32.byteSize
  }

  /// How many of so many pictures have room.
  package static func keptCount(of pictures: Int, bytesPerPicture: Int, cacheBytes: Int) -> Int {
    min(pictures, cacheBytes / max(bytesPerPicture, 1))
  }

  /// Computes and keeps the frozen features of all pictures that will be asked for, of the first ones where
  /// not all have room; nothing when all is trained.
  /// - Throws: `ImageError` when a picture cannot be read.
  public func prepare(_ all: [[Picture]]) throws {
    guard training != .everything else { return }
    isPrepared = true
    kept.removeAll()
    var seen = Set<Picture>()
    let distinct = all.joined().filter { seen.insert($0).inserted }
    let size = Self.bytesPerPicture(model.configuration, training)
    let count = Self.keptCount(of: distinct.count, bytesPerPicture: size, cacheBytes: limit)
    if count < distinct.count {
      report(
        "the features of \(count) of \(distinct.count) pictures are kept: all take "
          + "\((distinct.count * size) >> 20) MiB, run.feature_cache_mib allows \(limit >> 20); the others are computed "
          + "each time they are used")
    }
    for start in stride(from: 0, to: count, by: chunk) {
      // Whole passes, also where the last pictures have no room: their company decides the last bits of the
      // others.
      let some = Array(distinct[start..<min(start + chunk, distinct.count)])
      let computed = try frozen(some)
      let layout = try layout(some)
      let isWhole = start + some.count <= count
      for (index, picture) in some.prefix(count - start).enumerated() {
        let own = computed.slice(axis: 0, layout[index])
        kept[picture] = isWhole ? own : own.materialized()
      }
    }
  }

  /// Forgets what was prepared.
  public func removeAll() {
    kept.removeAll()
    isPrepared = false
  }

  /// Features of the distinct pictures of a batch, in order of first appearance.
  /// - Throws: `ImageError` when a picture cannot be read.
  public func features(of wanted: [[Picture]]) throws -> BatchFeatures {
    var numbers: [Picture: Int] = [:]
    var distinct: [Picture] = []
    for picture in wanted.joined() where numbers[picture] == nil {
      numbers[picture] = distinct.count
      distinct.append(picture)
    }
    let rows: Tensor =
      if distinct.isEmpty {
        Tensor.zeros([0, model.configuration.text.hiddenSize])
      } else {
        switch training {
        case .everything: model.imageFeatures(try pictures.pixels(distinct)).rows
        case .projector: model.project(try known(distinct))
        case .nothing: try known(distinct)
        }
      }
    return BatchFeatures(features: ImageFeatures(rows, layout: try layout(distinct)), numbers: numbers)
  }

  /// What the features of pictures stand for.
  /// - Throws: `ImageError` when a picture whose size matters cannot be read.
  public func grids(of pictures: [Picture]) throws -> [FeatureGrid] {
    try pictures.map { try self.pictures.grid(of: $0, by: model.geometry) }
  }

  private func layout(_ pictures: [Picture]) throws -> FeatureLayout {
    FeatureLayout(try grids(of: pictures))
  }

  /// `[features of all pictures, width]`.
  private func known(_ distinct: [Picture]) throws -> Tensor {
    guard isPrepared else {
      let parts = try stride(from: 0, to: distinct.count, by: chunk).map {
        try frozen(Array(distinct[$0..<min($0 + chunk, distinct.count)]))
      }
      return parts.count == 1 ? parts[0] : Tensor.concatenated(parts, axis: 0)
    }
    return Tensor.concatenated(try distinct.map { try kept[$0] ?? frozen([$0]) }, axis: 0)
  }

  private func frozen(_ some: [Picture]) throws -> Tensor {
    let pixels = try pictures.pixels(some)
    return noGradient {
      guard training == .projector else { return model.imageFeatures(pixels).rows }
      let features = model.visionFeatures(pixels)
      return features.reshaped([features.shape[0] * features.shape[1], features.shape[2]])
    }
  }
}
