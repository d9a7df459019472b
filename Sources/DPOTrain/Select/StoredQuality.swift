import Foundation
import MultiImageData

/// `quality` of `select/summary.json` as it is read again: ``SelectionQuality`` without what its shares were
/// counted from.
public struct StoredQuality: Decodable, Sendable, Equatable {
  /// One format, or one number of images of it.
  public struct Part: Decodable, Sendable, Equatable {
    /// Prompts.
    public var prompts: Int
    /// Pairs whose rejected answer can be graded.
    public var pairs: Int
    /// Share of them whose rejected answer is wrong; `nil` of none.
    public var precisionWithRule: Double?
    /// The same share had the attention rule not been applied.
    public var precisionWithoutRule: Double?
    /// Share of the prompts with a wrong answer of which such an answer is kept.
    public var recall: Double?
    /// By number of images.
    public var byImages: [String: Part]?

    private enum CodingKeys: String, CodingKey {
      case prompts, pairs, recall
      case precisionWithRule = "precision_with_rule"
      case precisionWithoutRule = "precision_without_rule"
      case byImages = "by_images"
    }
  }

  private let quality: [String: Part]?

  /// Every format in the usual order, each followed by its numbers of images.
  public var parts: [(kind: QuestionKind, count: Int?, part: Part)] {
    QuestionKind.allCases.flatMap { kind -> [(kind: QuestionKind, count: Int?, part: Part)] in
      guard let whole = quality?[kind.rawValue] else { return [] }
      let split = (whole.byImages ?? [:]).compactMap { count, part in Int(count).map { ($0, part) } }
      return [(kind, nil, whole)] + split.sorted { $0.0 < $1.0 }.map { (kind, $0, $1) }
    }
  }
}
