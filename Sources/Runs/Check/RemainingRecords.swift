import LVLM
import MultiImageData
import Records
import Tensor

/// A source without some of its records: what a run works with once the records that cannot be used are
/// known. Nothing of a record that is left out is shown, as a companion neither, and no picture whose file is
/// another one by now.
struct RemainingRecords: QuestionSource {
  private let source: any QuestionSource
  /// The places of the records that are left, in their order.
  private let places: [DataSplit: [Int]]
  private let verify: @Sendable (String) throws -> Void

  /// - Parameters:
  ///   - left: the indices that are left out.
  ///   - verify: called with the path of a picture's file before and after it is read; throws when the file
  ///     is not what it was.
  init(
    _ source: any QuestionSource, without left: [DataSplit: Set<Int>] = [:],
    verify: @escaping @Sendable (String) throws -> Void = { _ in }
  ) {
    self.source = source
    self.verify = verify
    places = Dictionary(
      uniqueKeysWithValues: DataSplit.allCases.map { split in
        let out = left[split] ?? []
        return (split, (0..<source.count(of: split)).filter { !out.contains($0) })
      })
  }

  var name: String { source.name }
  var families: [String] { source.families }
  var answersAboutAnyImage: Bool { source.answersAboutAnyImage }
  var omissions: [String] { source.omissions }
  var badRecords: [DataError] { source.badRecords }
  var available: Int? { source.available }

  func count(of split: DataSplit) -> Int { places[split]?.count ?? 0 }

  func record(_ split: DataSplit, _ index: Int) throws -> SingleImageRecord {
    var record = try source.record(split, place(split, index))
    record.image.index = index
    return record
  }

  func image(_ split: DataSplit, _ index: Int) -> ImageReference {
    var image = source.image(split, place(split, index))
    image.index = index
    return image
  }

  func image(for reference: ImageReference) throws -> RGBImage {
    let own = original(reference)
    let file = source.file(of: own)
    if let file { try verify(file) }
    let image = try source.image(for: own)
    if let file { try verify(file) }
    return image
  }

  func answer(to question: String, about image: ImageReference) -> String? {
    source.answer(to: question, about: original(image))
  }

  func answerWordings(to question: String, about image: ImageReference) -> [String] {
    source.answerWordings(to: question, about: original(image))
  }

  func facts(of image: ImageReference) -> [String: String]? { source.facts(of: original(image)) }

  var grader: (any AnswerGrader)? { source.grader }

  var factWords: [FactWords] { source.factWords }

  func trainedTurns(of record: SingleImageRecord) -> [SingleImageRecord.Turn] {
    source.trainedTurns(of: original(record))
  }

  func place(of record: SingleImageRecord) -> String { source.place(of: original(record)) }

  func isCompanion(_ image: ImageReference, of record: SingleImageRecord) -> Bool {
    source.isCompanion(original(image), of: original(record))
  }

  func collection(of image: ImageReference) -> String { source.collection(of: original(image)) }

  func file(of reference: ImageReference) -> String? { source.file(of: original(reference)) }

  private func original(_ image: ImageReference) -> ImageReference {
    var image = image
    image.index = place(image.split, image.index)
    return image
  }

  private func original(_ record: SingleImageRecord) -> SingleImageRecord {
    var record = record
    record.image = original(record.image)
    return record
  }

  private func place(_ split: DataSplit, _ index: Int) -> Int {
    guard let own = places[split], own.indices.contains(index) else {
      tensorFailure("\(source.name)", "no record \(index) in \(split.rawValue)")
    }
    return own[index]
  }
}
