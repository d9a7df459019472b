import MultiImageData
import Records

/// How well the attention ratio R of each decoder layer tells right from wrong answers (MIA-DPO, appendix
/// D.1, as a figure): what `select.layer` should be chosen by.
///
/// The area under the ROC curve, compared only between prompts of one format and number of images: R falls
/// with that number, and so does accuracy. Areas are weighted by the number of right-wrong pairs that they
/// compare.
public struct LayerProfile: Codable, Sendable, Equatable {
  /// An area with its 95 % interval.
  public struct Area: Codable, Sendable, Equatable {
    /// The area.
    public var estimate: Double
    /// Lower end of the interval.
    public var low: Double
    /// Upper end of the interval.
    public var high: Double
  }

  /// The profile of one format, or of all.
  public struct Part: Codable, Sendable, Equatable {
    /// `nil` for all formats together, without what compares pictures or looks for one.
    public var kind: QuestionKind?
    /// By layer; `nil` where all answers are right, or all wrong.
    public var areas: [Area?]
    /// Right answers that are compared.
    public var right: Int
    /// Wrong answers that are compared.
    public var wrong: Int
  }

  /// The file in a run's `select/`.
  package static let file = "layers.json"

  /// All formats, then each one.
  public var parts: [Part]
  /// The layer that was read; `nil` in files of earlier versions.
  public var layer: Int?

  /// One answer: where it belongs, whether it is right, and R by layer.
  package struct Answer {
    var kind: QuestionKind
    var count: Int
    var isRight: Bool
    var ratios: [Double]

    package init(kind: QuestionKind, count: Int, isRight: Bool, ratios: [Double]) {
      self.kind = kind
      self.count = count
      self.isRight = isRight
      self.ratios = ratios
    }
  }

  /// - Parameter answers: greedy answers to composed prompts; `nil` results where they have no ratios by
  ///   layer.
  package init?(_ answers: [Answer]) {
    let layers = answers.map(\.ratios.count).min() ?? 0
    guard layers > 0 else { return nil }
    let kinds = (QuestionKind.multiImage + QuestionKind.levels).filter { kind in
      answers.contains { $0.kind == kind }
    }
    parts = ([nil] + kinds.map(Optional.some)).map { kind in
      let own = answers.filter { kind == nil ? $0.kind.level == nil : $0.kind == kind }
      let groups = Dictionary(grouping: own) { "\($0.kind.rawValue)-\($0.count)" }
        .sorted { $0.key < $1.key }.map(\.value)
      return Part(
        kind: kind, areas: (0..<layers).map { Self.area(groups, layer: $0) },
        right: own.count(where: \.isRight), wrong: own.count { !$0.isRight })
    }
  }

  private static func area(_ groups: [[Answer]], layer: Int) -> Area? {
    var (weights, sum, variance) = (0.0, 0.0, 0.0)
    for group in groups {
      let right = group.filter(\.isRight).map { $0.ratios[layer] }
      let wrong = group.filter { !$0.isRight }.map { $0.ratios[layer] }
      guard let area = Statistics.areaUnderCurve(positives: right, negatives: wrong) else { continue }
      let weight = Double(right.count * wrong.count)
      let half = max(area.estimate - area.low, area.high - area.estimate)
      weights += weight
      sum += weight * area.estimate
      variance += weight * weight * half * half
    }
    guard weights > 0 else { return nil }
    let (estimate, half) = (sum / weights, variance.squareRoot() / weights)
    return Area(estimate: estimate, low: max(0, estimate - half), high: min(1, estimate + half))
  }

  /// The layer with the largest area over all formats.
  public var best: (layer: Int, area: Area)? {
    parts[0].areas.enumerated().compactMap { layer, area in area.map { (layer, $0) } }
      .max { $0.1.estimate < $1.1.estimate }
  }

  /// The content of `select/layers.json`.
  package var json: OrderedJSON {
    var members: [OrderedJSON.Member] = layer.map { [.init("layer", .integer($0))] } ?? []
    members.append(.init("parts", .array(parts.map(\.json))))
    return .object(members)
  }
}

extension LayerProfile.Part {
  fileprivate var json: OrderedJSON {
    var members: [OrderedJSON.Member] = kind.map { [.init("kind", .string($0.rawValue))] } ?? []
    members += [
      .init("right", .integer(right)), .init("wrong", .integer(wrong)),
      .init(
        "areas",
        .array(
          areas.map { area in
            guard let area else { return .null }
            return .members([
              "estimate": .number(area.estimate), "low": .number(area.low), "high": .number(area.high),
            ])
          })),
    ]
    return .object(members)
  }
}
