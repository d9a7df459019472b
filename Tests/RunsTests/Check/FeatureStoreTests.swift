import DPOTrain
import Foundation
import LVLM
import MultiImageData
import Runs
import Tensor
import Testing

/// What is kept of image features when not all have room, and what the plan says about it.
@Suite struct FeatureStoreTests {
  private static let count = 70

  private func model() throws -> LlavaModel {
    var generator = RandomGenerator(seed: 4)
    return try LlavaModel(
      LlavaConfiguration(
        vision: VisionConfiguration(
          hiddenSize: 16, intermediateSize: 32, hiddenLayerCount: 2, attentionHeadCount: 2, imageSize: 16,
          patchSize: 8),
        text: TextConfiguration(
          vocabularySize: 40, hiddenSize: 32, intermediateSize: 48, hiddenLayerCount: 1,
          attentionHeadCount: 4, keyValueHeadCount: 2),
        imageTokenIndex: 39), using: &generator)
  }

  @Test(arguments: [0, 1, 3, 63, 64, 66, 69, 70, 1000]) func theFirstOnesAreKept(room: Int) throws {
    let model = try model()
    model.setTrainable(false, .vision, .projector, .decoder)
    let scenes = ShapeScenes(seed: 1, size: 16, counts: [.preference: Self.count])
    // Four tokens of 32 numbers.
    let bytes = 4 * 32 * 4
    var reports: [String] = []
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "features-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let wanted = try (0..<Self.count).map { index in
      let path = folder.appendingPathComponent("\(index).png").path
      try scenes.image(for: scenes.image(.preference, index)).writePNG(to: path)
      return Picture.file(path)
    }
    let pictures = PictureStore(
      source: scenes, processor: ImageProcessor(ImageProcessorConfiguration(size: 16)), cacheBytes: 0)
    func store(_ rows: Int) -> FeatureStore {
      FeatureStore(
        model: model, pictures: pictures, training: .nothing, cacheBytes: rows * bytes + bytes - 1
      ) { reports.append($0) }
    }
    let (some, all) = (store(room), store(1000))
    try all.prepare([wanted])
    #expect(reports.isEmpty)
    try some.prepare([wanted])
    #expect(reports.count == (room < Self.count ? 1 : 0))
    if room < Self.count {
      #expect(reports[0].contains("features of \(room) of \(Self.count) pictures"), "\(reports)")
      #expect(reports[0].contains("run.feature_cache_mib"))
      let alone = try some.features(of: [[wanted[Self.count - 1]]]).features.rows
      #expect(alone.shape == [4, 32])
    }
    // Without their files only kept ones can be had, with the same bits whatever the room is.
    try FileManager.default.removeItem(at: folder)
    for (index, picture) in wanted.enumerated() {
      if index < room {
        let (a, b) = (
          try some.features(of: [[picture]]).features.rows,
          try all.features(of: [[picture]]).features.rows
        )
        #expect(a.array(of: Float.self) == b.array(of: Float.self), "\(index)")
      } else {
        #expect(throws: (any Error).self) { try some.features(of: [[picture]]) }
      }
    }
  }

  /// Features that are computed on demand are those of the picture alone, whoever asks first, and are kept
  /// where there is room.
  @Test func onDemandTheOrderDoesNotMatter() throws {
    let model = try model()
    model.setTrainable(false, .vision, .projector, .decoder)
    let scenes = ShapeScenes(seed: 1, size: 16, counts: [.preference: 9])
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "features-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let wanted = try (0..<9).map { index in
      let path = folder.appendingPathComponent("\(index).png").path
      try scenes.image(for: scenes.image(.preference, index)).writePNG(to: path)
      return Picture.file(path)
    }
    let pictures = PictureStore(
      source: scenes, processor: ImageProcessor(ImageProcessorConfiguration(size: 16)), cacheBytes: 0)
    func store(_ rows: Int) throws -> FeatureStore {
      let store = FeatureStore(
        model: model, pictures: pictures, cacheBytes: rows * 4 * 32 * 4, computesOnDemand: true)
      try store.prepare([wanted])
      return store
    }
    func values(_ store: FeatureStore, _ some: [Picture]) throws -> [Float] {
      try store.features(of: [some]).features.rows.array(of: Float.self)
    }
    let (one, other) = (try store(6), try store(6))
    let together = try values(one, wanted)
    #expect(try wanted.reversed().map { try values(other, [$0]) }.reversed().flatMap { $0 } == together)
    // The first six of the list had room and are there without their files; the others are read again.
    try FileManager.default.removeItem(at: folder)
    for store in [one, other] {
      #expect(try values(store, Array(wanted[..<6])) == Array(together[..<(6 * 4 * 32)]))
      #expect(throws: (any Error).self) { try values(store, [wanted[6]]) }
    }
  }

  private func plan(_ settings: String...) throws -> String {
    let yaml = "data: {source: shapes}\ntrain: {adapter: none}\n"
    return try RunPlan(RunConfiguration(yaml: yaml, file: "plan.yaml", overrides: settings)).description
  }

  @Test func thePlanCountsThem() throws {
    let (all, few) = (try plan(), try plan("run.feature_cache_mib=1"))
    #expect(all.contains("all kept"))
    #expect(few.contains("are kept (run.feature_cache_mib, 1 MiB)"))
    func memory(_ settings: String...) throws -> Int {
      try RunPlan(
        RunConfiguration(
          yaml: "sft: {max_steps: 0}\nmodel: {path: \(directory.path)}\n", file: "plan.yaml",
          overrides: settings)
      ).peakBytes
    }
    #expect(
      try memory("train.adapter=none", "train.precompute_ref_log_probs=false")
        > memory("train.adapter=none", "train.precompute_ref_log_probs=true"))
    #expect(
      try memory("train.adapter=lora", "train.precompute_ref_log_probs=false")
        == memory("train.adapter=lora", "train.precompute_ref_log_probs=true"))
  }

  private let directory = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("Fixtures/verification/llava_tiny")
}
