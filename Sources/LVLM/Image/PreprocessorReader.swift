import Checkpoint

/// Reads the values of a `preprocessor_config.json` one by one and notes what cannot be computed.
struct PreprocessorReader {
  private let json: JSONValue
  private(set) var problems: [ModelConfigurationError.Problem] = []

  init(_ json: JSONValue) { self.json = json }

  /// The value of a key; null is as good as absent, as for transformers.
  private func value(_ key: String) -> JSONValue? {
    json[key].flatMap { $0 == .null ? nil : $0 }
  }

  private mutating func note(_ key: String, expected: String) {
    problems.append(.init(key: key, found: value(key)?.brief ?? "nothing", expected: expected))
  }

  mutating func require(_ condition: Bool, _ key: String, expected: String) {
    if !condition, !problems.contains(where: { $0.key == key }) { note(key, expected: expected) }
  }

  mutating func flag(_ key: String, default fallback: Bool) -> Bool {
    guard let value = value(key) else { return fallback }
    require(value.flag != nil, key, expected: "true or false")
    return value.flag ?? fallback
  }

  mutating func number(_ key: String, default fallback: Double) -> Double {
    guard let value = value(key) else { return fallback }
    let number = value.number.flatMap { $0.isFinite && $0 != 0 ? $0 : nil }
    require(number != nil, key, expected: "a number other than 0")
    return number ?? fallback
  }

  /// One number for each channel; a single one is meant for all.
  mutating func channels(_ key: String, default fallback: [Double]) -> [Double] {
    guard let value = value(key) else { return fallback }
    var numbers: [Double] = []
    switch value {
    case .array(let values): numbers = values.compactMap(\.number)
    default: if let single = value.number { numbers = [single, single, single] }
    }
    guard numbers.count == 3, numbers.allSatisfy(\.isFinite) else {
      note(key, expected: "3 numbers")
      return fallback
    }
    return numbers
  }

  /// Whether the class puts a border round pictures, and is told to.
  mutating func padsToSquare(classes: [(name: String, pads: Bool)]) -> Bool {
    let wanted = flag("do_pad", default: false)
    let key = value("image_processor_type") == nil ? "feature_extractor_type" : "image_processor_type"
    // Without a name transformers takes the class of the model, which is LLaVA's.
    guard let value = value(key) else { return wanted }
    let name = (value.text ?? "").replacing("FeatureExtractor", with: "ImageProcessor")
    let found = classes.first { name == $0.name || name == $0.name + "Fast" || name == $0.name + "Pil" }
    require(found != nil, key, expected: classes.map { "\"\($0.name)\"" }.joined(separator: " or "))
    // CLIP's class fills pictures of one batch up to the largest, and those here have one size.
    return wanted && found?.pads ?? true
  }

  /// Notes a class that is none of these; some releases put their backend behind the name.
  mutating func requireClass(_ names: [String]) {
    let key = value("image_processor_type") == nil ? "feature_extractor_type" : "image_processor_type"
    guard let value = value(key) else { return }
    let name = (value.text ?? "").replacing("FeatureExtractor", with: "ImageProcessor")
    require(
      names.contains { name == $0 || name == $0 + "Fast" || name == $0 + "Pil" }, key,
      expected: names.map { "\"\($0)\"" }.joined(separator: " or "))
  }

  mutating func resampling(default fallback: ResamplingFilter = .bicubic) -> ResamplingFilter {
    guard let value = value("resample") else { return fallback }
    let filter = value.whole.flatMap(ResamplingFilter.init(pillow:))
    require(filter != nil, "resample", expected: "one of 0 to 5")
    return filter ?? fallback
  }

  // MARK: Sizes

  /// A positive number of pixels.
  private func pixels(_ value: JSONValue?) -> Int? {
    value?.whole.flatMap { (1...1 << 14).contains($0) ? $0 : nil }
  }

  /// The sides that an object names, all positive; nil when it is no such object.
  private func sides(_ value: JSONValue) -> [String: Int]? {
    guard case .object(let members) = value else { return nil }
    let named = members.filter { $0.value != .null }.map { ($0.key, pixels($0.value)) }
    guard !named.isEmpty, named.allSatisfy({ $0.1 != nil }) else { return nil }
    return Dictionary(named.map { ($0.0, $0.1 ?? 0) }, uniquingKeysWith: { first, _ in first })
  }

  /// The number of an object that says nothing but a longest edge.
  mutating func longestEdge(_ key: String, default fallback: Int) -> Int {
    guard let value = value(key) else { return fallback }
    let sides = sides(value)
    guard let edge = sides?["longest_edge"], sides?.count == 1 else {
      note(key, expected: "{longest_edge}, a positive number of pixels")
      return fallback
    }
    return edge
  }

  mutating func resizing() -> ImageProcessorConfiguration.Resizing {
    let resizes = flag("do_resize", default: true)
    let isSquare = flag("default_to_square", default: false)
    let found = size(isSquare: isSquare)
    if found == nil, value("size") != nil {
      note(
        "size",
        expected: "a number of pixels, {shortest_edge}, {shortest_edge, longest_edge}, {height, width} or "
          + "{max_height, max_width}")
    }
    return resizes ? found ?? .shortestEdge(224) : .none
  }

  private func size(isSquare: Bool) -> ImageProcessorConfiguration.Resizing? {
    guard let value = value("size") else { return nil }
    if let edge = pixels(value) {
      return isSquare ? .stretched(height: edge, width: edge) : .shortestEdge(edge)
    }
    if case .array(let values) = value, values.count == 2, let height = pixels(values[0]),
      let width = pixels(values[1])
    {
      return .stretched(height: height, width: width)
    }
    guard let sides = sides(value) else { return nil }
    switch Set(sides.keys) {
    case ["shortest_edge"]: return .shortestEdge(sides["shortest_edge"] ?? 0)
    case ["shortest_edge", "longest_edge"]:
      return .shortestEdge(sides["shortest_edge"] ?? 0, longest: sides["longest_edge"])
    case ["height", "width"]:
      return .stretched(height: sides["height"] ?? 0, width: sides["width"] ?? 0)
    case ["max_height", "max_width"]:
      return .within(height: sides["max_height"] ?? 0, width: sides["max_width"] ?? 0)
    default: return nil
    }
  }

  /// The side of the square that is cut out, nil when none is.
  mutating func crop() -> Int? {
    let crops = flag("do_center_crop", default: true)
    var side: Int? = 224
    if let value = value("crop_size") {
      switch value {
      case .array(let values): side = values.count == 2 && values[0] == values[1] ? pixels(values[0]) : nil
      case .object:
        let sides = sides(value) ?? [:]
        side =
          Set(sides.keys) == ["height", "width"] && sides["height"] == sides["width"] ? sides["height"] : nil
      default: side = pixels(value)
      }
    }
    require(!crops || side != nil, "crop_size", expected: "height and width, one number for both")
    return crops ? side ?? 224 : nil
  }

  /// The side of the square that comes out for every picture.
  mutating func side(
    _ resizing: ImageProcessorConfiguration.Resizing, crop: Int?, pads: Bool
  ) -> Int {
    if let crop { return crop }
    switch resizing {
    case .stretched(let height, let width):
      require(height == width, "size", expected: "one number for height and width, without do_center_crop")
      return height
    case .shortestEdge(let edge, nil) where pads: return edge
    default:
      require(
        false, "do_center_crop",
        expected: "true, or a size of height and width: every picture must come out as one square")
      return 224
    }
  }
}
