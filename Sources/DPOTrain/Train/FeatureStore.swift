import Foundation
import LVLM
import Tensor

/// Image features of a batch and the row of each picture in them.
public struct BatchFeatures {
  /// `[pictures, patches, width]`, each distinct picture once.
  public var tensor: Tensor
  /// Row of each picture.
  public var rows: [Picture: Int]
}

/// Turns pictures into projected image features.
///
/// What is frozen is computed once per picture: projected features when tower and projector are frozen, the
/// tower's features when only the tower is. The last bits of a feature depend on which pictures went through the
/// tower together, so kept features are computed in an order fixed beforehand by ``prepare(_:)``: a resumed run
/// must see the same bits as one that was never stopped.
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
  private var kept: [Picture: Tensor] = [:]
  private var isPrepared = false
  /// Pictures per pass through the vision tower.
  private let chunk = 64

  /// Memory for prepared features where nothing else is said.
  public static let defaultCacheBytes = 448 << 20

  /// - Parameter cacheBytes: Memory for prepared features; pictures beyond it are computed each time, alone.
  public init(
    model: LlavaModel, pictures: PictureStore, training: Training = .nothing,
    cacheBytes: Int = FeatureStore.defaultCacheBytes
  ) {
    self.model = model
    self.pictures = pictures
    self.training = training
    limit = cacheBytes
  }

  /// Computes and keeps the frozen features of all pictures that will be asked for; nothing when all is trained.
  /// - Throws: `ImageError` when a picture cannot be read.
  public func prepare(_ all: [[Picture]]) throws {
    guard training != .everything else { return }
    isPrepared = true
    kept.removeAll()
    var seen = Set<Picture>()
    let distinct = all.joined().filter { seen.insert($0).inserted }
    var bytes = 0
    for start in stride(from: 0, to: distinct.count, by: chunk) {
      let some = Array(distinct[start..<min(start + chunk, distinct.count)])
      let computed = try frozen(some)
      bytes += computed.count * computed.dtype.byteSize
      guard bytes <= limit else { break }
      for (index, picture) in some.enumerated() { kept[picture] = computed.slice(axis: 0, index..<index + 1) }
    }
  }

  /// Features of the distinct pictures of a batch, in order of first appearance.
  /// - Throws: `ImageError` when a picture cannot be read.
  public func features(of wanted: [[Picture]]) throws -> BatchFeatures {
    var rows: [Picture: Int] = [:]
    var distinct: [Picture] = []
    for picture in wanted.joined() where rows[picture] == nil {
      rows[picture] = distinct.count
      distinct.append(picture)
    }
    if distinct.isEmpty {
      return BatchFeatures(
        tensor: Tensor.zeros(
          [0, model.configuration.tokensPerImage, model.configuration.text.hiddenSize]), rows: [:])
    }
    switch training {
    case .everything:
      return BatchFeatures(tensor: model.imageFeatures(try pictures.pixels(distinct)), rows: rows)
    case .projector:
      return BatchFeatures(tensor: model.project(try known(distinct)), rows: rows)
    case .nothing:
      return BatchFeatures(tensor: try known(distinct), rows: rows)
    }
  }

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
      training == .projector ? model.visionFeatures(pixels) : model.imageFeatures(pixels)
    }
  }
}
