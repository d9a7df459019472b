import DPOTrain
import Evaluation
import Foundation
import LVLM
import MultiImageData
import Records
import TestSupport
import Testing

/// A made-up easy-VQA folder: three pictures, some of the public set's wordings, one that it does not have.
enum SmallEasyVQA {
  static let test = """
    [["what color is the shape?", "red", 0], ["what is the color of the circle?", "red", 0],
     ["what shape is present?", "triangle", 1], ["what is the teal shape?", "triangle", 1],
     ["is there a red shape?", "yes", 0], ["is there not a circle in the image?", "yes", 2],
     ["is no teal shape present?", "yes", 2], ["does the image contain a circle?", "no", 2],
     ["how many shapes are there?", "one", 2], ["is it raining?", "no", 2]]
    """
  static let train = """
    [["what color is the shape?", "blue", 0], ["what color is the shape?", "red", 1],
     ["what color is the shape?", "red", 2], ["is there a red shape?", "no", 0], ["is there a red shape?", "yes", 1],
     ["what shape is present?", "circle", 0]]
    """

  static func write(to folder: TemporaryFolder, test: String = test, pictures: Range<Int> = 0..<3) throws {
    try folder.write(test, to: "test/questions.json")
    try folder.write(train, to: "train/questions.json")
    for index in pictures {
      var picture = RGBImage(width: 64, height: 64, colour: RGBColour(240, 250, 245))
      for y in 20..<40 { for x in 20..<40 { picture[x, y] = RGBColour(255, 0, UInt8(100 * index)) } }
      try folder.write(try picture.pngBytes(), to: "test/images/\(index).png")
    }
  }
}

@Suite struct EasyVQATests {
  @Test func questionsBecomeRecords() throws {
    let folder = try TemporaryFolder()
    try SmallEasyVQA.write(to: folder)
    let data = try EasyVQA(folder: folder.path)
    #expect(data.count(of: .sft) == 6 && data.count(of: .test) == 10 && data.count(of: .validation) == 0)
    let record = data.record(.test, 3)
    #expect(record.id == "test-00003" && record.prompt == "<image>\nwhat is the teal shape?")
    #expect(record.answer == "triangle" && record.image.path == "test/images/1.png")
    let picture = try data.image(for: record.image)
    #expect(picture.width == 64 && picture[30, 30] == RGBColour(255, 0, 100))
    #expect(
      (0..<10).map { data.record(.test, $0).family } == [
        "color", "color_of_shape", "shape", "shape_of_color", "yes_no_color", "yes_no_shape_negated",
        "yes_no_color_negated", "yes_no_shape", "other", "yes_no_other",
      ])
    for family in data.families {
      let known = try #require(EasyVQAFamily(rawValue: family))
      #expect(known.isOpen != family.hasPrefix("yes_no") && known.isNegated == family.hasSuffix("negated"))
    }
  }

  @Test(
    "What is wrong with a file is told with its line and question",
    arguments: [
      (
        "[[\"q?\", \"a\", 0], [\"q?\", \"a\"]]",
        "test/questions.json:1: record 1: expected [\"question\", \"answer\", picture number], found [\"q?\", \"a\"]"
      ),
      (
        "[[\"q?\", \"a\", \"0\"]]",
        "test/questions.json:1: record 0: expected [\"question\", \"answer\", picture number], found [\"q?\", \"a\", \"0\"]"
      ),
      ("[[\"q?\", \"a\", 0],\n[\"?\", \"a\", 0]]", "test/questions.json:2: record 1: the question is empty"),
      ("[[\"q?\", \" \", 0]]", "test/questions.json:1: record 0: the answer is empty"),
      (
        "[[\"q?\", \"a\", 3]]",
        "test/questions.json:1: record 0: image \"test/images/3.png\" does not exist in DIR"
      ),
      (
        "[[\"q?\", \"a\", 0]",
        "test/questions.json: record 0: broken JSON in line 1, byte 15: expected ',' or ']' after a record, found the end of the text"
      ),
      ("[]", "test/questions.json: has no questions"),
    ])
  func badQuestions(text: String, expected: String) throws {
    let folder = try TemporaryFolder()
    try SmallEasyVQA.write(to: folder, test: text)
    let said = message { _ = try EasyVQA(folder: folder.path) }
    #expect(said.replacing(folder.path, with: "DIR") == "DIR/" + expected)
  }

  @Test func foldersThatAreNoDataSet() throws {
    let folder = try TemporaryFolder()
    #expect(
      message { _ = try EasyVQA(folder: folder.path) }
        == "\(folder.path)/train/questions.json: no such file; scripts/easy-vqa downloads the data set")
    try SmallEasyVQA.write(to: folder)
    try folder.write("no picture", to: "test/images/2.png")
    let data = try EasyVQA(folder: folder.path)
    #expect(
      message { _ = try data.image(for: data.image(.test, 5)) }
        .hasPrefix("\(folder.path)/test/images/2.png: not an image"))
  }

  @Test func theGuessKnowsTheQuestionAlone() {
    let guess = QuestionOnlyGuess([
      ("a", "1"), ("b", "2"), ("a", "3"), ("b", "2"), ("a", "3"), ("c", "4"), ("c", "5"),
    ])
    #expect(guess.answer(to: "a") == "3" && guess.answer(to: "b") == "2")
    // Equally frequent: the first. Unknown: the most frequent of all, again the first of them.
    #expect(guess.answer(to: "c") == "4" && guess.answer(to: "d") == "2")
  }

  /// Picture p has questions 2p and 2p + 1.
  private func answers(_ right: [Bool], blind: [Bool], guess: [Bool]) -> [EasyVQAAnswer] {
    right.indices.map { index in
      let isOpen = index % 4 != 3
      let question = index == 0 ? "why?" : isOpen ? "what color is the shape?" : "is there a circle?"
      let answer = isOpen ? "red" : "no"
      func said(_ isRight: Bool) -> String { isRight ? " \(answer.uppercased()). " : "x" }
      return EasyVQAAnswer(
        id: "\(index)", image: "\(index / 2).png", family: EasyVQAFamily(question: question, answer: answer),
        question: question, answer: answer, prediction: said(right[index]),
        blindPrediction: said(blind[index]),
        guess: said(guess[index]))
    }
  }

  @Test func openAndYesNoQuestionsAreToldApart() throws {
    let (no, yes) = ([Bool](repeating: false, count: 40), [Bool](repeating: true, count: 40))
    let half = no.indices.map { $0 / 2 % 2 == 0 }
    let result = EasyVQAResult(
      [("before", answers(half, blind: no, guess: yes)), ("after", answers(yes, blind: half, guess: yes))],
      resamples: 400)
    #expect(
      result.rows.map(\.title) == [
        "Open questions", "  what color is the shape?", "  other wordings", "Yes/no questions",
        "  is there a circle?", "All questions",
      ])
    #expect(result.rows.map(\.questions) == [30, 29, 1, 10, 10, 40])
    let open = result.rows[0]
    #expect(open.pictures == 20 && open.guess.estimate == 1)
    #expect(
      abs(open.accuracies[0].model.estimate - 2.0 / 3) < 1e-12 && open.accuracies[0].blind.estimate == 0)
    #expect(open.accuracies[1].model.estimate == 1 && open.accuracies[1].model.low < 0.9)
    #expect(abs(open.accuracies[1].blind.estimate - 2.0 / 3) < 1e-12)
    let change = try #require(open.change)
    #expect(abs(change.estimate - 1.0 / 3) < 1e-12 && change.low > 0 && change.high < 0.7)
    #expect(result.unknownQuestions == ["why?"])
    #expect(result.notes.count == 2 && result.notes[1].hasSuffix("The first: why?"))
    #expect(
      result.table.header == ["", "n", "before", "blind", "after", "blind", "question alone", "change"])
    #expect(result.table.rows[0][2].hasPrefix("66.7 ["))
    // A single model changes nothing.
    let single = EasyVQAResult([("model", answers(half, blind: no, guess: yes))], resamples: 50)
    #expect(single.rows[0].change == nil && single.table.header.last == "question alone")
  }

  @Test func rowsReadBack() throws {
    let folder = try TemporaryFolder()
    let rows = answers([true, false], blind: [false, true], guess: [false, false])
    let file = folder.url.appendingPathComponent("rows.jsonl")
    try RowFile.write(rows, to: file)
    #expect(try RowFile.read(EasyVQAAnswer.self, from: file) == rows)
    #expect(rows[0].correct && !rows[0].blindCorrect && rows[1].blindCorrect && !rows[1].guessCorrect)
    #expect(
      rows[0].jsonLine.contains("\"correct\": true, \"blind_prediction\": \"x\", \"blind_correct\": false"))
  }

  static let folder =
    ProcessInfo.processInfo.environment["EASY_VQA"]
    ?? URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("data/easy-vqa").path
  static let isThere = FileManager.default.fileExists(atPath: folder + "/test/questions.json")

  @Test("The public set", .enabled(if: isThere, "needs scripts/easy-vqa; EASY_VQA names another folder"))
  func real() throws {
    let data = try EasyVQA(folder: Self.folder)
    #expect(data.count(of: .sft) == 38_575 && data.count(of: .test) == 9673)
    let train = (0..<38_575).map { data.record(.sft, $0) }
    let guess = QuestionOnlyGuess(train.lazy.map { ($0.question, $0.answer) })
    var (hits, counts) = ([true: 0, false: 0], [true: 0, false: 0])
    for index in 0..<9673 {
      let record = data.record(.test, index)
      let family = try #require(EasyVQAFamily(rawValue: record.family))
      // Every wording of the public set is one of those that generated scenes ask.
      #expect(family.isGenerated, "\(record.question)")
      #expect(family.isOpen == !["yes", "no"].contains(record.answer))
      counts[family.isOpen, default: 0] += 1
      if guess.answer(to: record.question) == record.answer { hits[family.isOpen, default: 0] += 1 }
    }
    #expect(counts == [true: 2537, false: 7136] && hits == [true: 591, false: 5890])
    let picture = try data.image(for: data.image(.test, 0))
    #expect(picture.width == 64 && picture.height == 64)
  }

  @Test(
    "A sentence is right where it says the file's word",
    arguments: [
      ("what color is the circle?", "blue", "it is blue.", true),
      ("what color is the circle?", "blue", "there is a blue triangle in the picture.", false),
      ("what color is the circle?", "blue", "it is red.", false),
      ("what shape is present?", "circle", "there is a blue circle in the picture.", true),
      ("what shape is present?", "circle", "it is blue.", false),
      ("is there a red shape?", "no", "no, it is a blue circle.", true),
      ("is there a red shape?", "no", "no, the shape is red.", false),
      ("is there a red shape?", "yes", "yes, the circle is red.", true),
      ("is there a red shape?", "yes", "yes, it is blue.", false),
      ("is there not a red shape?", "yes", "yes, there is no red shape.", true),
      ("is there not a red shape?", "no", "no, the shape is red.", true),
      ("is there not a red shape?", "no", "yes, the shape is red.", false),
      ("is it a red shape or what?", "yes", "yes, it is red.", false),
    ])
  func sentences(question: String, answer: String, prediction: String, isRight: Bool) {
    let row = EasyVQAAnswer(
      id: "1", image: "1.png", family: EasyVQAFamily(question: question, answer: answer), question: question,
      answer: answer, prediction: prediction, blindPrediction: answer, guess: answer)
    #expect(row.correct == isRight && row.blindCorrect)
  }
}
