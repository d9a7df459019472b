import LVLM
import Records
import Tensor

/// Prompts of levels 2 and 3 (S2H-DPO, arXiv 2604.18512): companions are drawn so that the answer is what it
/// is meant to be.
extension Composer {
  /// Composition number `number` of a level, as ``plan(_:count:split:target:index:number:level:)`` gives it.
  ///
  /// Even numbers of comparisons are answered with yes, odd ones with no. In what is to be found, every other
  /// picture is known to differ from the record's in something that is described.
  /// - Precondition: the kind names its pictures.
  /// - Throws: ``CompositionError`` when too few companions are found, ``DataError`` when the source cannot
  ///   compare its pictures.
  func plan(
    _ level: PromptLevel, _ kind: CompositionKind, count: Int, split: DataSplit, target index: Int,
    number: Int
  ) throws -> (record: ComposedRecord, sources: [ImageReference]) {
    tensorRequire(
      kind.allowedCounts.contains(count) && kind.namesPictures, "compose",
      "\(level.name) in \(kind.rawValue) of \(count) pictures does not exist")
    let target = try source.record(split, index)
    guard let (own, words) = source.knownFacts(of: target.image) else {
      throw DataError(
        file: "data source \(source.name)", record: target.id,
        problem: "knows nothing by which its picture can be compared with others; \(level.name) needs it")
    }
    let stream = 0x4C45_5645_4C00 + UInt64(level.rawValue) * 64 + kind.ordinal * 16 + UInt64(count)
    var generator = RandomGenerator(seed: seed, stream: stream).split(split.ordinal).split(UInt64(number))
    let search = LevelSearch(source: source, split: split, tries: options.maximumTries)
    let found: LevelSearch.Found
    do throws(LevelSearch.Lack) {
      found =
        level == .compare
        ? try search.compared(
          target.image, own, words, count: count, isSame: number % 2 == 0, using: &generator)
        : try search.found(target.image, own, words, count: count, using: &generator)
    } catch {
      throw CompositionError(
        record: target.id, question: "\(level.name) \(count) pictures", wanted: count - 1,
        found: error.found, split: split, tries: options.maximumTries)
    }
    let sources = found.images
    let facts = sources.map { source.facts(of: $0) ?? [:] }
    let question = LevelQuestion(level: level, targets: found.targets, about: found.about)
    let text = generator.element(of: question.wordings(words, facts: facts))
    let answers = question.answers(words, facts: facts)
    let answer = generator.element(of: answers)
    let (first, others) = (question.targets[0] - 1, sources.indices.filter { $0 != question.targets[0] - 1 })
    let id = "\(kind.slug)-\(level.name)-\(count)-\(split.rawValue)-\(paddedNumber(number, 6))"
    let record = ComposedRecord(
      id: id, kind: kind, count: count, target: first + 1, level: level, targets: question.targets,
      about: question.about,
      images: kind == .sequence
        ? sources.map { source.file(of: $0) ?? "images/" + $0.path }
        : ["images/composed/\(id).\(options.pictureFormat.pathExtension)"],
      prompt: PromptRewriting.imageBlock(kind, count: count) + text, answer: answer,
      // What another picture would have answered: the same words with its name.
      answersOfOthers: level == .find
        ? others.map { other in answer.renamingPictures { $0 == first + 1 ? other + 1 : $0 } } : [],
      family: question.family, question: text, source: target.id,
      layout: GridGeometry(count: count, cell: options.cell).flatMap {
        kind == .grid ? CompositionLayout($0, first + 1) : nil
      }, facts: facts[first], factsOfOthers: others.map { facts[$0] })
    return (record, sources)
  }
}

extension RandomGenerator {
  /// One of the elements, each with the same probability; a single one is taken without drawing.
  package mutating func element<Element>(of elements: [Element]) -> Element {
    elements.count > 1 ? elements[integer(below: elements.count)] : elements[0]
  }
}
