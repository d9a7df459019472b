import Foundation
import LVLM
import MultiImageData
import Records
import TestSupport
import Testing

@Suite struct ComposerTests {
  static let source = ShapeScenes(
    seed: 5, size: 32, counts: [.sft: 300, .preference: 300, .validation: 50, .test: 300])
  let composer = Composer(source: source, options: CompositionOptions(cell: 32), seed: 11)

  private func all(_ kind: CompositionKind, _ count: Int, _ number: Int) throws -> [Composition] {
    try (0..<number).map {
      try composer.compose(kind, count: count, split: .preference, target: $0 % 300, number: $0)
    }
  }

  @Test("Every companion answers the same question differently", arguments: [2, 3, 4, 5])
  func companions(count: Int) throws {
    for (index, composition) in try all(.sequence, count, 150).enumerated() {
      let record = composition.record
      let single = Self.source.record(.preference, index)
      #expect(record.answer == single.answer && record.question == single.question)
      #expect(record.count == count && composition.sources.count == count && record.images.count == count)
      #expect(composition.sources[record.target - 1] == single.image)
      #expect(Set(composition.sources.map(\.path)).count == count)
      #expect(record.answersOfOthers.count == count - 1 && !record.answersOfOthers.contains(record.answer))
      let others = composition.sources.enumerated().filter { $0.offset != record.target - 1 }
      #expect(
        others.map { Self.source.answer(to: record.question, about: $0.element) } == record.answersOfOthers)
      #expect(composition.images == composition.sources.map { Self.source.image(for: $0) })
      #expect(composition.sources.allSatisfy { $0.split == .preference })
      #expect(PromptRewriting.target(in: record.prompt) == record.target)
    }
  }

  @Test("The target's place is uniform", arguments: [(CompositionKind.sequence, 5), (.grid, 2), (.grid, 9)])
  func targets(kind: CompositionKind, count: Int) throws {
    let wanted = 900
    var places = [Int](repeating: 0, count: count)
    for composition in try all(kind, count, wanted) { places[composition.record.target - 1] += 1 }
    let expected = Double(wanted) / Double(count)
    let chiSquare = places.reduce(0.0) { $0 + (Double($1) - expected) * (Double($1) - expected) / expected }
    // 99.9 % quantiles of chi-square with 1, 4 and 8 degrees of freedom.
    let bound: Double = count == 2 ? 10.83 : count == 5 ? 18.47 : 26.12
    #expect(chiSquare < bound, "\(places)")
  }

  @Test func gridsShowTheTargetInItsCell() throws {
    for composition in try all(.grid, 4, 20) {
      let layout = try #require(composition.record.layout)
      let canvas = composition.images[0]
      #expect(composition.images.count == 1 && canvas.width == layout.width && canvas.height == layout.height)
      #expect(layout.region == layout.cell(composition.record.target))
      let region = layout.region
      let cell = canvas.cropped(x: region.x, y: region.y, width: region.width, height: region.height)
      #expect(cell == Self.source.image(for: composition.sources[composition.record.target - 1]))
    }
  }

  @Test func theInnerPictureIsTheTarget() throws {
    for (index, composition) in try all(.pictureInPicture, 2, 20).enumerated() {
      let record = composition.record
      #expect(record.target == 1 && composition.sources[0] == Self.source.image(.preference, index))
      #expect(record.layout?.region == PixelRectangle(x: 8, y: 8, width: 16, height: 16))
      let inner = composition.images[0].cropped(x: 8, y: 8, width: 16, height: 16)
      #expect(inner == Self.source.image(for: composition.sources[0]).resized(width: 16, height: 16))
      #expect(composition.images[0][0, 0] == Self.source.image(for: composition.sources[1])[0, 0])
      #expect(record.answersOfOthers.count == 1 && record.answersOfOthers[0] != record.answer)
      #expect(
        PromptRewriting.centrePhrases.contains { record.prompt == "<image>\n\($0), \(record.question)" })
    }
  }

  @Test func smallOuterPicturesCanBeEnlarged() throws {
    let options = CompositionOptions(cell: 32, innerScale: 1.0 / 3, minimumOuterSide: 96)
    let composition = try Composer(source: Self.source, options: options, seed: 1)
      .compose(.pictureInPicture, count: 2, split: .test, target: 3, number: 0)
    #expect(composition.images[0].width == 96)
    #expect(composition.record.layout?.region == PixelRectangle(x: 32, y: 32, width: 32, height: 32))
    let inner = composition.images[0].cropped(x: 32, y: 32, width: 32, height: 32)
    #expect(inner == Self.source.image(for: composition.sources[0]))
  }

  @Test func sameSeedSameBytes() throws {
    let again = Composer(source: Self.source, options: CompositionOptions(cell: 32), seed: 11)
    let other = Composer(source: Self.source, options: CompositionOptions(cell: 32), seed: 12)
    var different = 0
    for (kind, count) in [(CompositionKind.sequence, 3), (.grid, 6), (.pictureInPicture, 2)] {
      for number in [7, 0, 3] {
        let first = try composer.compose(kind, count: count, split: .test, target: number, number: number)
        let second = try again.compose(kind, count: count, split: .test, target: number, number: number)
        #expect(first.record == second.record && first.images == second.images)
        let third = try other.compose(kind, count: count, split: .test, target: number, number: number)
        if first.sources != third.sources { different += 1 }
      }
    }
    #expect(different > 5)
  }

  @Test func aQuestionWithoutCompanionsIsAnError() throws {
    let lonely = ShapeScenes(seed: 5, size: 32, counts: [.test: 1])
    let options = CompositionOptions(cell: 32, maximumTries: 50)
    let composer = Composer(source: lonely, options: options, seed: 1)
    let text = message { _ = try composer.compose(.sequence, count: 3, split: .test, target: 0, number: 0) }
    #expect(
      text.hasPrefix("record shapes-test-000000: found 0 of 2 pictures in test that can stand beside it"))
  }

  @Test func plansRunThroughTheTargets() throws {
    var compose = CompositionSettings()
    compose.sequence = .init(total: 5, counts: [2, 3])
    compose.grid = .init(total: 3, counts: [4])
    compose.picInPic.total = 2
    let plan = CompositionPlan(compose)
    #expect(plan.total == 10)
    let requests = try composer.requests(plan, split: .test)
    #expect(requests.map(\.target) == Array(0..<10))
    #expect(requests.map(\.count) == [2, 2, 2, 3, 3, 4, 4, 4, 2, 2])
    #expect(requests.map(\.number) == [0, 1, 2, 0, 1, 0, 1, 2, 0, 1])
    var options = composer.options
    options.families = ["color"]
    let coloured = Composer(source: Self.source, options: options, seed: 1)
    for request in try coloured.requests(plan, split: .test) {
      #expect(Self.source.record(.test, request.target).family == "color")
    }
    options.families = ["none"]
    #expect(throws: DataError.self) {
      try Composer(source: Self.source, options: options, seed: 1).requests(plan, split: .test)
    }
  }

  @Test func theFolderHoldsRecordsAndPictures() throws {
    let folder = try TemporaryFolder()
    let plan = CompositionPlan([
      .init(.sequence, count: 3, records: 4), .init(.grid, count: 9, records: 2),
      .init(.pictureInPicture, count: 2, records: 2),
    ])
    let writer = CompositionWriter(composer: composer, folder: folder.url.appendingPathComponent("compose"))
    var done: [Int] = []
    let records = try writer.write(plan, split: .test, to: "test.jsonl") { count, total in
      done.append(count)
      #expect(total == 8)
    }
    #expect(done == Array(1...8))
    let file = writer.folder.appendingPathComponent("test.jsonl")
    #expect(try ComposedRecordFile.read(file) == records)
    let bytes = try Data(contentsOf: file)
    for (record, request) in zip(records, try composer.requests(plan, split: .test)) {
      #expect(
        try ComposedRecordFile.pictures(of: record, in: writer.folder) == composer.compose(request).images)
    }
    try writer.write(plan, split: .test, to: "test.jsonl")
    #expect(try Data(contentsOf: file) == bytes)
    #expect(records[4].images == ["images/composed/grid-9-test-000000.png"])
    #expect(throws: (any Error).self) {
      try writer.write(plan, split: .test, to: "other.jsonl") { done, _ in
        if done == 3 { throw CancellationError() }
      }
    }
    #expect(!FileManager.default.fileExists(atPath: writer.folder.appendingPathComponent("other.jsonl").path))
  }

  @Test func inconsistentRecordsAreRefused() throws {
    let folder = try TemporaryFolder()
    var record = try composer.compose(.sequence, count: 2, split: .test, target: 0, number: 0).record
    let file = folder.url.appendingPathComponent("r.jsonl")
    record.images.removeLast()
    try ComposedRecordFile.write([record], to: file)
    #expect(
      message { _ = try ComposedRecordFile.read(file) }
        == "\(file.path): record sequence-2-test-000000: has 1 images, expected 2")
    record.images.append("x")
    record.prompt += "<image>"
    try ComposedRecordFile.write([record], to: file)
    #expect(message { _ = try ComposedRecordFile.read(file) }.contains("has 3 <image> marks for 2 images"))
  }

  /// Layouts that no picture has, one of which would divide by zero.
  @Test func impossibleLayoutsAreRefused() throws {
    let folder = try TemporaryFolder()
    let file = folder.url.appendingPathComponent("r.jsonl")
    let whole = try composer.compose(.grid, count: 4, split: .test, target: 0, number: 0).record
    func expect(_ problem: String, _ change: (inout CompositionLayout) -> Void) throws {
      var record = whole
      var layout = try #require(record.layout)
      change(&layout)
      record.layout = layout
      try ComposedRecordFile.write([record], to: file)
      let found = message { _ = try ComposedRecordFile.read(file) }
      #expect(found.contains(": record \(record.id): has a layout \(problem)"), "\(found)")
    }
    try expect("of 2 rows and 0 columns, expected room for 4 pictures") { $0.columns = 0 }
    try expect("of 1 rows and 2 columns, expected room for 4 pictures") { $0.rows = 1 }
    try expect("of 2 rows and \(Int.max) columns") { $0.columns = .max }
    try expect("of 0 x ") { $0.width = 0 }
    try expect("of \(Int.max) x ") { $0.width = .max }
    try expect("whose region, ") { $0.region.width = $0.width + 1 }
    try expect("whose region, ") { $0.region.x = -1 }
    try expect("whose region, ") { $0.region.height = 0 }
    try expect("whose region, ") { $0.region.y = .min }
  }
}
