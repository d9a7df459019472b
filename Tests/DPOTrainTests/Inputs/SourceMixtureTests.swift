import DPOTrain
import Foundation
import LVLM
import MultiImageData
import TestData
import TestSupport
import Testing

@Suite struct SourceMixtureTests {
  private func parts() throws -> (TemporaryFolder, [(source: any QuestionSource, share: Double)]) {
    let folder = try TemporaryFolder()
    let (font, names) = try SmallFont.write(to: folder)
    let emoji = try ThingPictures.emoji(
      font: font, names: names, seed: 2, size: 24, limits: [.sft: 1000, .preference: 1000])
    let shapes = ShapeScenes(seed: 2, size: 24, counts: [.sft: 1000, .preference: 20, .test: 30])
    return (folder, [(shapes, 3), (emoji, 1)])
  }

  @Test func recordsComeInProportion() throws {
    let (folder, parts) = try parts()
    let mixture = SourceMixture(parts, counts: [.sft: 400, .preference: 100, .test: 40])
    #expect(mixture.count(of: .sft) == 400 && mixture.count(of: .validation) == 0)
    let records = try (0..<400).map { try mixture.record(.sft, $0) }
    for end in [4, 40, 200, 400] {
      #expect(records[..<end].count { $0.image.path.hasPrefix("shapes/") } == end * 3 / 4)
    }
    #expect(Set(records.map(\.id)).count == 400 && Set(records.map(\.image.path)).count == 400)
    // Shapes have 20 records for preferences: emoji fill up what is left.
    #expect(mixture.count(of: .preference) == 100)
    #expect((0..<100).count { mixture.image(.preference, $0).path.hasPrefix("emoji/") } == 80)
    #expect(mixture.families.contains("shapes_color") && mixture.families.contains("emoji_kind"))
    for (index, record) in records.enumerated() {
      #expect(record.image.index == index && mixture.image(.sft, index) == record.image)
      #expect(mixture.families.contains(record.family))
      #expect(mixture.collection(of: record.image) + "_" == record.family.prefix { $0 != "_" } + "_")
      #expect(mixture.answer(to: record.question, about: record.image) == record.answer)
      #expect(try mixture.image(for: record.image).width == 24)
    }
    let kind = try #require(records.first { $0.family == "emoji_kind" })
    let shape = try #require(records.first { $0.family.hasPrefix("shapes") })
    #expect(mixture.answer(to: kind.question, about: shape.image) == nil)
    #expect(!mixture.isCompanion(shape.image, of: kind))
    _ = folder
  }

  @Test func theVisionTowerLearnsTheAttributesOfEachPart() throws {
    let (folder, parts) = try parts()
    let mixture = SourceMixture(parts, counts: [.sft: 800])
    let found = try VisionPretraining.attributes(of: mixture)
    #expect(Set(found.map(\.collection)) == ["shapes", "emoji"])
    let emoji = found.filter { $0.collection == "emoji" }
    #expect(emoji.map(\.classes) == [["Blue.", "Green.", "Red."]], "names are too many, kinds are two")
    #expect(found.filter { $0.collection == "shapes" }.map(\.classes.count).sorted() == [3, 8])
    _ = folder
  }
}
