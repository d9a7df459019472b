import Records
import Tensor

public import LVLM

/// Several sources as one: records of each in proportion to its share, spread evenly.
///
/// A question is asked about pictures of another part only where that part knows the answer. Families carry
/// the part's name: `fashion_name`, `emoji_kind`.
public struct SourceMixture: QuestionSource {
  private struct Place: Sendable {
    var part: Int
    var index: Int
  }

  private let parts: [any QuestionSource]
  private let places: [DataSplit: [Place]]

  /// - Parameters:
  ///   - parts: sources with their shares; only the proportions count. A part that runs out of records leaves
  ///     the rest to the others.
  ///   - counts: the records in each split; fewer when all parts have run out.
  /// - Precondition: there is a part, every share is positive, names differ, and all parts know answers about
  ///   any picture.
  public init(_ parts: [(source: any QuestionSource, share: Double)], counts: [DataSplit: Int]) {
    tensorRequire(
      !parts.isEmpty && parts.allSatisfy { $0.share > 0 && $0.source.answersAboutAnyImage }
        && Set(parts.map(\.source.name)).count == parts.count, "SourceMixture",
      "needs different sources that know answers, with positive shares")
    self.parts = parts.map(\.source)
    let total = parts.reduce(0) { $0 + $1.share }
    var places: [DataSplit: [Place]] = [:]
    for split in DataSplit.allCases {
      var taken = parts.map { _ in 0 }
      var own: [Place] = []
      let available = parts.map { $0.source.count(of: split) }
      while own.count < counts[split] ?? 0 {
        let open = parts.indices.filter { taken[$0] < available[$0] }
        // The part that lags most behind its share is next, the first of equals.
        func lag(_ part: Int) -> Double {
          Double(own.count + 1) * parts[part].share / total - Double(taken[part])
        }
        guard let next = open.max(by: { (lag($0), $1) < (lag($1), $0) }) else { break }
        own.append(Place(part: next, index: taken[next]))
        taken[next] += 1
      }
      places[split] = own
    }
    self.places = places
  }

  public var name: String { "mixture" }
  public var families: [String] { parts.flatMap { part in part.families.map { part.name + "_" + $0 } } }
  public var answersAboutAnyImage: Bool { true }
  public var omissions: [String] { parts.flatMap(\.omissions) }
  public var badRecords: [DataError] { parts.flatMap(\.badRecords) }

  public func count(of split: DataSplit) -> Int { places[split]?.count ?? 0 }

  public func image(_ split: DataSplit, _ index: Int) -> ImageReference {
    let (part, own) = place(split, index)
    var reference = part.image(split, own)
    reference.index = index
    return reference
  }

  public func image(for reference: ImageReference) throws -> RGBImage {
    let (part, own) = place(reference.split, reference.index)
    return try part.image(for: part.image(reference.split, own))
  }

  public func record(_ split: DataSplit, _ index: Int) throws -> SingleImageRecord {
    let (part, own) = place(split, index)
    var record = try part.record(split, own)
    record.image.index = index
    record.family = part.name + "_" + record.family
    return record
  }

  public func answer(to question: String, about image: ImageReference) -> String? {
    let (part, own) = place(image.split, image.index)
    return part.answer(to: question, about: part.image(image.split, own))
  }

  public func answerWordings(to question: String, about image: ImageReference) -> [String] {
    let (part, own) = place(image.split, image.index)
    return part.answerWordings(to: question, about: part.image(image.split, own))
  }

  public func facts(of image: ImageReference) -> [String: String]? {
    let (part, own) = place(image.split, image.index)
    return part.facts(of: part.image(image.split, own))
  }

  /// The graders of all parts; `nil` where one has none.
  public var grader: (any AnswerGrader)? {
    let graders = parts.compactMap(\.grader)
    return graders.count == parts.count ? GraderOfParts(parts: graders) : nil
  }

  /// The words of all parts, those that parts share once.
  public var factWords: [FactWords] {
    parts.flatMap(\.factWords).reduce(into: []) { found, words in
      if !found.contains(where: { $0.mark == words.mark }) { found.append(words) }
    }
  }

  public func place(of record: SingleImageRecord) -> String {
    let (part, _) = place(record.image.split, record.image.index)
    return part.place(of: record)
  }

  public func collection(of image: ImageReference) -> String { place(image.split, image.index).part.name }

  public func file(of reference: ImageReference) -> String? {
    let (part, own) = place(reference.split, reference.index)
    return part.file(of: part.image(reference.split, own))
  }

  private func place(_ split: DataSplit, _ index: Int) -> (part: any QuestionSource, index: Int) {
    guard let own = places[split], own.indices.contains(index) else {
      tensorFailure("SourceMixture", "no record \(index) in \(split.rawValue)")
    }
    return (parts[own[index].part], own[index].index)
  }
}
