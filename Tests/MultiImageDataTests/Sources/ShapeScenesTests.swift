import LVLM
import MultiImageData
import Testing

@Suite struct ShapeScenesTests {
  let source = ShapeScenes(seed: 7, counts: [.sft: 4000, .preference: 2000, .validation: 500, .test: 2000])

  @Test func aRecordIsAPureFunctionOfSeedSplitAndIndex() throws {
    let again = ShapeScenes(seed: 7, counts: [.sft: 4000, .preference: 10, .test: 2000])
    for index in [0, 5, 1999] {
      #expect(source.record(.test, index) == again.record(.test, index))
      #expect(source.image(for: source.image(.test, index)) == again.image(for: again.image(.test, index)))
    }
    let other = ShapeScenes(seed: 8, counts: [.test: 2000])
    let same = (0..<200).filter { source.scene(.test, $0) == other.scene(.test, $0) }
    let shared = (0..<200).filter { source.scene(.test, $0) == source.scene(.sft, $0) }
    #expect(same.isEmpty && shared.isEmpty)
  }

  @Test func theFirstRecordsStayWhatTheyAre() {
    let records = (0..<3).map { source.record(.sft, $0) }
    #expect(records.map(\.id) == ["shapes-sft-000000", "shapes-sft-000001", "shapes-sft-000002"])
    #expect(records[0].image.path == "shapes/sft/000000.png")
    #expect(records[0].prompt == "<image>\n" + records[0].question)
  }

  @Test func everyAnswerFollowsFromTheScene() {
    for index in 0..<2000 {
      let record = source.record(.preference, index)
      #expect(source.answer(to: record.question, about: record.image) == record.answer)
      let scene = source.scene(.preference, index)
      switch record.family {
      case "color": #expect(record.answer == scene.colour.rawValue)
      case "shape": #expect(record.answer == scene.shape.rawValue)
      default: #expect(["yes", "no"].contains(record.answer))
      }
    }
  }

  @Test func familiesAndYesNoAreBalanced() {
    let records = (0..<4000).map { source.record(.sft, $0) }
    func share(_ family: String) -> Double { Double(records.filter { $0.family == family }.count) / 4000 }
    #expect(abs(share("color") - 0.4) < 0.03 && abs(share("shape") - 0.4) < 0.03)
    let yesNo = records.filter { $0.family == "yes_no" }
    let yes = Double(yesNo.filter { $0.answer == "yes" }.count) / Double(yesNo.count)
    #expect(abs(yes - 0.5) < 0.05)
    let negated = yesNo.filter { $0.question.contains(" not ") || $0.question.contains("is no ") }
    let negatedYes = Double(negated.filter { $0.answer == "yes" }.count) / Double(negated.count)
    #expect(abs(negatedYes - 0.5) < 0.07)
  }

  @Test func scenesHaveEasyVQAsStatistics() {
    let scenes = (0..<4000).map { source.scene(.sft, $0) }
    for scene in scenes {
      #expect(scene.area > 0.0139 && scene.area < 0.2801)
      #expect(scene.left >= 0 && scene.left + scene.width <= 1)
      #expect(scene.top >= 0 && scene.top + scene.height <= 1)
      #expect(scene.background.red >= 230 && scene.background.green >= 230 && scene.background.blue >= 230)
    }
    let median = scenes.map(\.area).sorted()[2000]
    #expect(abs(median - 0.08) < 0.01)
    for shape in ShapeScene.Shape.allCases {
      let count = scenes.filter { $0.shape == shape }.count
      #expect(abs(count - 1333) < 120)
    }
    for colour in ShapeScene.Colour.allCases {
      let count = scenes.filter { $0.colour == colour }.count
      #expect(abs(count - 500) < 80)
    }
  }

  @Test("The drawn shape covers its area, at any size", arguments: [32, 64, 200])
  func coverage(size: Int) {
    for index in 0..<60 {
      let scene = source.scene(.test, index)
      let picture = scene.picture(size: size)
      // The share of ink from the channel where shape and background differ most.
      let (ink, paper, mean) = (scene.colour.rgb, scene.background, picture.mean)
      let channels = [
        (Double(ink.red) - Double(paper.red), mean.red - Double(paper.red)),
        (Double(ink.green) - Double(paper.green), mean.green - Double(paper.green)),
        (Double(ink.blue) - Double(paper.blue), mean.blue - Double(paper.blue)),
      ]
      let widest = channels.max { abs($0.0) < abs($1.0) } ?? (1, 0)
      let covered = widest.1 / widest.0
      let tolerance = 0.003 + 3.0 / Double(size * size)
      #expect(abs(covered - scene.area) < tolerance, "\(scene.shape) \(covered) \(scene.area)")
    }
  }

  @Test func questionsReadBack() {
    for question in ShapeQuestion.all {
      for wording in question.wordings { #expect(ShapeQuestion(wording) == question) }
    }
    #expect(ShapeQuestion("what is the meaning of life?") == nil)
    #expect(ShapeQuestion("is there not a red shape in the image?") == .hasColour(.red, negated: true))
    #expect(ShapeQuestion("is no circle present?") == .hasShape(.circle, negated: true))
  }

  @Test func aQuestionThatDoesNotApplyHasNoAnswer() {
    for index in 0..<50 {
      let scene = source.scene(.test, index)
      let reference = source.image(.test, index)
      for shape in ShapeScene.Shape.allCases {
        let answer = source.answer(to: "what color is the \(shape.rawValue)?", about: reference)
        #expect(answer == (shape == scene.shape ? scene.colour.rawValue : nil))
      }
    }
  }
}
