import Foundation
import LVLM
import Tensor

/// Image features of a batch, and which picture has which.
public struct BatchFeatures {
  /// Each distinct picture once.
  public var features: ImageFeatures
  private let numbers: [ShownPicture: Int]
  private let pictures: PictureStore

  init(features: ImageFeatures, numbers: [ShownPicture: Int], pictures: PictureStore) {
    (self.features, self.numbers, self.pictures) = (features, numbers, pictures)
  }

  /// Which of them the pictures of one prompt are.
  public func numbers(of prompt: [Picture]) -> [Int] {
    pictures.shown(prompt).compactMap { numbers[$0] }
  }
}

/// Turns pictures into projected image features.
///
/// What is frozen is computed once per picture: projected features when tower and projector are frozen, the
/// tower's features when only the tower is. The last bits of a feature depend on which pictures went through
/// the tower together, so kept features are computed in an order fixed beforehand by ``prepare(_:)``, or each
/// by itself: a resumed run must see the same bits as one that was never stopped.
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

  private let model: VisionLanguageModel
  private let pictures: PictureStore
  /// Where neither size nor company matters, every picture is one view of the model.
  private let geometry: any PictureGeometry
  private let training: Training
  private let limit: Int
  private let report: (String) -> Void
  private var kept: [ShownPicture: Tensor] = [:]
  private var isPrepared = false
  /// Pictures that will be kept once they are computed.
  private var awaited = Set<ShownPicture>()
  private let computesOnDemand: Bool
  /// Pictures per pass through the vision tower.
  private let chunk: Int

  /// Most views per pass, and most bytes of the features: large ones would fill the memory with one pass.
  private static let (mostViews, mostBytes) = (64, 256 << 20)

  /// - Parameters:
  ///   - cacheBytes: memory for prepared features; pictures beyond it are computed each time, alone.
  ///   - computesOnDemand: each picture by itself when it is first asked for, not all of them by
  ///     ``prepare(_:)``, so that the first step need not wait for the pictures of the last.
  ///   - report: gets a sentence when not all prepared features can be kept.
  public init(
    model: VisionLanguageModel, pictures: PictureStore, training: Training = .nothing,
    cacheBytes: Int = MachineMemory.featureCacheBytes, computesOnDemand: Bool = false,
    report: @escaping (String) -> Void = { _ in }
  ) {
    self.model = model
    self.pictures = pictures
    geometry =
      pictures.geometry.fixed == nil ? pictures.geometry : FixedGeometry(model.configuration.viewGrid)
    self.training = training
    self.computesOnDemand = computesOnDemand
    self.report = report
    limit = cacheBytes
    let size = Self.bytesPerPicture(model.configuration, geometry, training)
    let views = geometry.largest(isAlone: true).tiles.views
    chunk = max(1, min(Self.mostViews / views, Self.mostBytes / max(size, 1)))
  }

  /// Bytes of the features of one picture that are kept, at most.
  package static func bytesPerPicture(
    _ configuration: any FamilyConfiguration, _ geometry: any PictureGeometry, _ training: Training
  ) -> Int {
    [true, false].map { bytes(configuration, geometry.largest(isAlone: $0), training) }.max() ?? 0
  }

  private static func bytes(
    _ configuration: any FamilyConfiguration, _ grid: FeatureGrid, _ training: Training
  ) -> Int {
    let values =
      training == .projector
      ? grid.tiles.views * configuration.viewPatchCount * configuration.visionWidth
      : grid.count * configuration.text.hiddenSize
    return values * DType.float32.byteSize
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
    awaited.removeAll()
    var seen = Set<ShownPicture>()
    let distinct = all.flatMap(pictures.shown).filter { seen.insert($0).inserted }
    let size = Self.bytesPerPicture(model.configuration, geometry, training)
    let count = Self.keptCount(of: distinct.count, bytesPerPicture: size, cacheBytes: limit)
    if count < distinct.count {
      report(
        "the features of \(count) of \(distinct.count) pictures are kept: all take "
          + "\((distinct.count * size) >> 20) MiB, run.feature_cache_mib allows \(limit >> 20); the others "
          + "are computed each time they are used")
    }
    guard !computesOnDemand else {
      awaited = Set(distinct.prefix(count))
      return
    }
    for start in stride(from: 0, to: count, by: chunk) {
      // Whole passes, also where the last pictures have no room: their company decides the last bits of the
      // others.
      let some = Array(distinct[start..<min(start + chunk, distinct.count)])
      let layout = try layout(some)
      let computed = try frozen(some, layout)
      let isWhole = start + some.count <= count
      for (index, picture) in some.prefix(count - start).enumerated() {
        let own = computed.slice(axis: 0, rows(layout)[index])
        kept[picture] = isWhole ? own : own.materialized()
      }
    }
  }

  /// Forgets what was prepared.
  public func removeAll() {
    kept.removeAll()
    awaited.removeAll()
    isPrepared = false
  }

  /// Features of the distinct pictures of a batch, in order of first appearance.
  /// - Throws: `ImageError` when a picture cannot be read.
  public func features(of wanted: [[Picture]]) throws -> BatchFeatures {
    var numbers: [ShownPicture: Int] = [:]
    var distinct: [ShownPicture] = []
    for picture in wanted.flatMap(pictures.shown) where numbers[picture] == nil {
      numbers[picture] = distinct.count
      distinct.append(picture)
    }
    let layout = try layout(distinct)
    let rows: Tensor =
      if distinct.isEmpty {
        Tensor.zeros([0, model.configuration.text.hiddenSize])
      } else {
        switch training {
        case .everything: model.imageFeatures(try pictures.pixels(distinct), layout: layout).rows
        case .projector: model.project(states(try known(distinct, layout)), layout: layout)
        case .nothing: try known(distinct, layout)
        }
      }
    return BatchFeatures(
      features: ImageFeatures(rows, layout: layout), numbers: numbers, pictures: pictures)
  }

  /// What the features of the pictures of one prompt stand for.
  /// - Throws: `ImageError` when a picture whose size matters cannot be read.
  public func grids(of prompt: [Picture]) throws -> [FeatureGrid] {
    try pictures.shown(prompt).map(grid)
  }

  private func grid(of picture: ShownPicture) throws -> FeatureGrid {
    try geometry.fixed ?? pictures.grid(of: picture)
  }

  private func layout(_ pictures: [ShownPicture]) throws -> FeatureLayout {
    FeatureLayout(try pictures.map(grid))
  }

  /// The rows of each picture in what is kept: the encoder's states of its views, or its features.
  private func rows(_ layout: FeatureLayout) -> [Range<Int>] {
    guard training == .projector else { return (0..<layout.count).map { layout[$0] } }
    var start = 0
    return layout.grids.map { grid in
      let count = grid.tiles.views * model.configuration.viewPatchCount
      defer { start += count }
      return start..<start + count
    }
  }

  /// `[views · patches, vision width]` as the connector reads them.
  private func states(_ rows: Tensor) -> Tensor {
    let patches = model.configuration.viewPatchCount
    return rows.reshaped([rows.shape[0] / patches, patches, rows.shape[1]])
  }

  /// What is kept of pictures, one after the other: `[features, text width]`, or the encoder's states
  /// `[views · patches, vision width]`.
  private func known(_ distinct: [ShownPicture], _ layout: FeatureLayout) throws -> Tensor {
    guard isPrepared else {
      let parts = try stride(from: 0, to: distinct.count, by: chunk).map {
        let range = $0..<min($0 + chunk, distinct.count)
        return try frozen(Array(distinct[range]), FeatureLayout(Array(layout.grids[range])))
      }
      return parts.count == 1 ? parts[0] : Tensor.concatenated(parts, axis: 0)
    }
    return Tensor.concatenated(
      try distinct.enumerated().map { index, picture in
        if let known = kept[picture] { return known }
        let own = try frozen([picture], FeatureLayout([layout.grids[index]]))
        if awaited.remove(picture) != nil { kept[picture] = own }
        return own
      }, axis: 0)
  }

  private func frozen(_ some: [ShownPicture], _ layout: FeatureLayout) throws -> Tensor {
    let pixels = try pictures.pixels(some)
    return noGradient {
      guard training == .projector else { return model.imageFeatures(pixels, layout: layout).rows }
      let features = model.visionFeatures(pixels)
      return features.reshaped([features.shape[0] * features.shape[1], features.shape[2]])
    }
  }
}
