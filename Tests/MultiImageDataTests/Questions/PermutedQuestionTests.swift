import MultiImageData
import Testing

/// A question about a sequence with its pictures in another order asks the same of the same picture.
@Suite struct PermutedQuestionTests {
  private static let composer = Composer(
    source: ShapeScenes(seed: 2, size: 16, counts: [.test: 200], answers: .sentences),
    options: CompositionOptions(cell: 16), seed: 3)

  private func question(_ kind: CompositionKind, count: Int, number: Int) throws -> StoredQuestion {
    let record = try Self.composer.compose(
      kind, count: count, split: .test, target: number, number: number
    ).record
    return StoredQuestion(
      id: record.id, images: record.images.map { "/run/" + $0 }, prompt: record.prompt,
      groundTruth: record.answer, family: record.family, record: record, facts: record.facts)
  }

  @Test(arguments: 2...5) func theTargetMovesAndThePromptNamesIt(count: Int) throws {
    var places: Set<Int> = []
    for number in 0..<12 {
      let asked = try question(.sequence, count: count, number: number)
      let other = try #require(asked.permuted)
      let (before, after) = (try #require(asked.record), try #require(other.record))
      places.insert(after.target)
      #expect(before.target != after.target)
      #expect(asked.images[before.target - 1] == other.images[after.target - 1])
      #expect(other.images.sorted() == asked.images.sorted())
      #expect(other.images == after.images.map { "/run/" + $0 })
      #expect(PromptRewriting.target(in: other.prompt) == after.target)
      #expect(
        other.prompt
          == asked.prompt.replacing("In Image\(before.target), ", with: "In Image\(after.target), "))
      #expect(other.groundTruth == asked.groundTruth && other.facts == asked.facts && other.id == asked.id)
      // As many steps as there are pictures lead back.
      var turned = asked
      for _ in 0..<count { turned = try #require(turned.permuted) }
      #expect(turned.record == asked.record && turned.images == asked.images && turned.prompt == asked.prompt)
    }
    #expect(places == Set(1...count))
  }

  @Test func otherKindsHaveOneOrder() throws {
    #expect(try question(.grid, count: 4, number: 0).permuted == nil)
    #expect(try question(.pictureInPicture, count: 2, number: 0).permuted == nil)
    #expect(
      StoredQuestion(id: "s", images: ["a"], prompt: "<image>\nq", groundTruth: "a", family: "f").permuted
        == nil)
  }
}
