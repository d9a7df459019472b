import Checkpoint

/// The metadata of llama.cpp's files of vision tower and projector: what is computed, what changes nothing,
/// and what is refused by name. (llama.cpp's `tools/mtmd/clip-impl.h` and `clip.cpp`, `gguf-py`'s
/// `constants.py`, and for LLaVA `tools/mtmd/legacy-models/convert_image_encoder_to_gguf.py`.)
enum GGUFProjectorKeys {
  /// Keys of every kind, without `clip.`.
  private static let common = KnownKeys(
    computed: [
      "projector_type", "vision.projector_type", "has_audio_encoder", "use_gelu", "use_silu",
      "vision.image_size", "vision.patch_size", "vision.embedding_length", "vision.feed_forward_length",
      "vision.block_count", "vision.attention.head_count", "vision.attention.layer_norm_epsilon",
      "vision.projection_dim", "vision.image_mean", "vision.image_std",
    ],
    only: ["has_vision_encoder": [.boolean(true)], "has_text_encoder": [.boolean(false)]])

  /// LLaVA's; what 1.6 has beside them cuts pictures into tiles.
  private static let llava = KnownKeys(
    computed: ["vision.feature_layer"],
    // llama.cpp reads neither.
    harmless: ["vision.image_crop_resolution", "vision.image_split_resolution"],
    only: [
      "has_llava_projector": [.boolean(true)], "vision.image_grid_pinpoints": [.array([])],
      "vision.mm_patch_merge_type": [.string("flat")], "vision.image_aspect_ratio": [.string("pad")],
      "vision.mm_projector_type": [.string("mlp2x_gelu")],
    ])

  private static let idefics3 = KnownKeys(
    computed: ["vision.projector.scale_factor", "vision.preproc_image_size"],
    only: ["has_llava_projector": [.boolean(false)]])

  /// What is wrong with the metadata of a file, key by key.
  static func problems(
    in file: GGUFFile, _ kind: GGUFProjector.Kind
  ) -> [ModelConfigurationError.Problem] {
    let keys = common.merging(kind == .llava ? llava : idefics3)
    return file.metadata.keys.sorted().compactMap { key in
      guard let value = file.metadata[key].map(JSONValue.init) else { return nil }
      // Names, licences, where it came from and how it was quantised.
      if key.hasPrefix("general.") || key.hasPrefix("quantize.imatrix.") { return nil }
      guard key.hasPrefix("clip.") else { return KnownKeys().problem(key, value) }
      return keys.problem(String(key.dropFirst("clip.".count)), value, section: "clip.")
    }
  }
}

/// Values of a file's metadata; what is missing or cannot be used is noted.
struct GGUFProjectorReader {
  let metadata: [String: GGUFValue]
  private(set) var problems: [ModelConfigurationError.Problem] = []

  init(_ file: GGUFFile) { metadata = file.metadata }

  private mutating func note(_ key: String, _ expected: String) {
    let found = metadata[key].map { JSONValue($0).brief } ?? "nothing"
    problems.append(.init(key: key, found: found, expected: expected))
  }

  /// Notes a problem with a key unless the condition holds.
  mutating func require(_ condition: Bool, _ key: String, _ expected: String) {
    if !condition { note(key, expected) }
  }

  /// A size; 1 where there is none.
  mutating func size(_ key: String, upTo bound: Int = 1 << 18) -> Int {
    guard let value = metadata[key]?.asInt, value > 0, value <= bound else {
      note(key, "a whole number from 1 to \(bound)")
      return 1
    }
    return value
  }

  /// A positive number, written in single precision.
  mutating func number(_ key: String) -> Double {
    guard let value = metadata[key]?.asDouble, value > 0, value.isFinite else {
      note(key, "a positive number")
      return 1
    }
    return Self.decimal(value)
  }

  /// A number for each of red, green and blue.
  mutating func channels(_ key: String, _ range: ClosedRange<Double>, _ words: String) -> [Double] {
    let values = metadata[key]?.asArray?.compactMap(\.asDouble) ?? []
    guard values.count == 3, metadata[key]?.asArray?.count == 3, values.allSatisfy(range.contains) else {
      note(key, "3 numbers \(words)")
      return [0.5, 0.5, 0.5]
    }
    return values.map(Self.decimal)
  }

  /// A truth value, false where there is none.
  mutating func flag(_ key: String) -> Bool {
    guard let value = metadata[key] else { return false }
    guard case .boolean(let flag) = value else {
      note(key, "true or false")
      return false
    }
    return flag
  }

  /// The number that was meant: one of CLIP's, or the shortest one, that has this value in single precision.
  private static func decimal(_ value: Double) -> Double {
    guard Double(Float(value)) == value else { return value }
    let known =
      ImageProcessorConfiguration.clipMean + ImageProcessorConfiguration.clipStandardDeviation
    return known.first { Float($0) == Float(value) } ?? Double("\(Float(value))") ?? value
  }
}
