import Checkpoint
import Foundation
import LVLM
import Tensor

/// The pictures of a folder: their stored views, and what our processor makes of the files.
final class FamilyPictures {
  /// A picture as a prompt shows it.
  struct Shown: Hashable {
    /// The name of the file.
    var file: String
    /// The reference's settings for this call; empty where it has only one.
    var mode: String
  }

  let arrays: GoldenArrays
  private let folder: FamilyFolder
  private let configuration: any FamilyConfiguration
  private let usual: any PictureProcessor
  private var processors: [String: any PictureProcessor] = [:]
  /// For each mode the keys of `preprocessor_config.json` that it changes.
  private let overrides: [String: JSONValue]

  init(_ folder: FamilyFolder) throws {
    self.folder = folder
    arrays = try GoldenArrays(folder.file("pictures.h5"))
    (configuration, usual) = try PretrainedModel.shape(of: folder.model)
    var overrides: [String: JSONValue] = [:]
    if folder.has("preprocess.json") {
      let json = try Data(contentsOf: folder.file("preprocess.json")).withUnsafeBytes {
        try JSONReader.read($0)
      }
      if case .object(let modes)? = json["modes"] {
        for (mode, keys) in modes { overrides[mode] = keys }
      }
    }
    self.overrides = overrides
  }

  /// Whether a mode cuts pictures as if they were alone in their prompts.
  func isAlone(_ mode: String) -> Bool { mode == "anyres" }

  /// The processor with the settings of a mode.
  func processor(_ mode: String) throws -> any PictureProcessor {
    guard let keys = overrides[mode], case .object(let members) = keys, !members.isEmpty else { return usual }
    if let known = processors[mode] { return known }
    let copy = FileManager.default.temporaryDirectory.appending(component: "mode-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: copy) }
    try FileManager.default.createDirectory(at: copy, withIntermediateDirectories: true)
    for name in try FileManager.default.contentsOfDirectory(atPath: folder.model.path)
    where name.hasSuffix(".json") {
      try FileManager.default.copyItem(
        at: folder.model.appending(component: name), to: copy.appending(component: name))
    }
    for name in ["preprocessor_config.json", "processor_config.json"] {
      let place = copy.appending(component: name)
      guard let data = try? Data(contentsOf: place),
        var object = try JSONSerialization.jsonObject(with: data) as? [String: Any]
      else { continue }
      let changed =
        try JSONSerialization.jsonObject(
          with: Data(contentsOf: folder.file("preprocess.json"))) as? [String: Any]
      let own = (changed?["modes"] as? [String: Any])?[mode] as? [String: Any] ?? [:]
      if name == "preprocessor_config.json" {
        object.merge(own) { $1 }
      } else if var nested = object["image_processor"] as? [String: Any] {
        nested.merge(own) { $1 }
        object["image_processor"] = nested
      }
      try JSONSerialization.data(withJSONObject: object).write(to: place)
    }
    let processor = try PretrainedModel.shape(of: copy).processor
    processors[mode] = processor
    return processor
  }

  /// The group of a picture among the stored ones.
  func group(_ shown: Shown) -> String {
    let name = shown.file.replacing(".", with: "_")
    return shown.mode.isEmpty ? name : "\(name)/\(shown.mode)"
  }

  /// What the features of a picture stand for.
  func grid(_ shown: Shown) throws -> FeatureGrid {
    let group = group(shown)
    let (width, height) = (
      Int(try arrays.requiredNumber("width", on: group)), Int(try arrays.requiredNumber("height", on: group))
    )
    return try processor(shown.mode).geometry.grid(
      width: width, height: height, isAlone: isAlone(shown.mode))
  }

  /// The stored views of several pictures, one after the other, and what their features stand for.
  func stored(_ all: [Shown]) throws -> (pixels: Tensor, layout: FeatureLayout) {
    let side = configuration.viewSide
    guard !all.isEmpty else { return (Tensor.zeros([0, 3, side, side]), FeatureLayout([])) }
    return (
      Tensor.concatenated(try all.map { try arrays.tensor(group($0) + "/views") }, axis: 0),
      FeatureLayout(try all.map(grid))
    )
  }

  /// The pictures that an attribute names.
  func shown(_ arrays: GoldenArrays, on group: String, counts: [Int]? = nil) throws -> [Shown] {
    var names = try arrays.text("images", on: group)
    // Where a group is no more than a prompt they are named there.
    if names == nil, arrays.has("\(group)/input_ids") {
      names = try arrays.text("images", on: "\(group)/input_ids")
    }
    let files = (names ?? "").split(separator: ",").map(String.init)
    let mode = try arrays.text("mode", on: group) ?? ""
    // One mode of a batch names both: pictures that are alone, and those in company.
    guard mode.contains(" "), let counts else {
      return files.map { Shown(file: $0, mode: mode) }
    }
    return zip(files, counts.flatMap { count in Array(repeating: count, count: count) }).map {
      Shown(file: $0, mode: $1 == 1 ? "anyres" : "base")
    }
  }
}
