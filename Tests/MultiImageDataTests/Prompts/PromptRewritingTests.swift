import MultiImageData
import Testing

@Suite struct PromptRewritingTests {
  @Test(
    "First turns by the released scripts",
    arguments: [
      (
        CompositionKind.sequence, "<image>\nHow many boats are there?", 2, 2,
        "Image1:<image>\nImage2:<image>\nIn Image2, how many boats are there?"
      ),
      (
        .sequence, "What is the man doing?\n<image>", 1, 3,
        "Image1:<image>\nImage2:<image>\nImage3:<image>\nIn Image1, what is the man doing?\n"
      ),
      (.grid, "<image>\nIs IBM's logo there?", 6, 9, "<image>\nIn Image6, is IBM's logo there?"),
      (.grid, "IBM or DEC?", 1, 2, "<image>\nIn Image1, iBM or DEC?"),
      (
        .pictureInPicture, "<image>\nWhat color is it?", 1, 2,
        "<image>\nRegarding the central plot, what color is it?"
      ),
      (
        .sequence,
        "<image>\nProvide a one-sentence caption for the provided image.\nReference OCR token: STOP", 2, 2,
        "Image1:<image>\nImage2:<image>\nIn Image2, provide a one-sentence caption for the provided image.\nReference OCR token: STOP"
      ),
    ])
  func firstTurn(kind: CompositionKind, question: String, target: Int, count: Int, expected: String) {
    let prompt = PromptRewriting.prompt(
      question, kind: kind, target: target, count: count, phrase: "Regarding the central plot")
    #expect(prompt == expected)
    #expect(ImageMark.count(in: prompt) == (kind == .sequence ? count : 1))
    #expect(PromptRewriting.target(in: prompt) == (kind == .pictureInPicture ? nil : target))
  }

  @Test func laterTurns() {
    #expect(PromptRewriting.laterTurn("Why is that?", kind: .grid, target: 4) == "In image4, why is that?")
    #expect(
      PromptRewriting.laterTurn("Why?", kind: .pictureInPicture, target: 1, phrase: "As for the middle image")
        == "As for the middle image, why?")
  }

  @Test func thereAre93CentrePhrases() {
    let phrases = PromptRewriting.centrePhrases
    #expect(phrases.count == 93 && Set(phrases).count == 93)
    #expect(phrases.allSatisfy { $0.contains("cent") || $0.contains("middle") })
    let plots = phrases.filter { $0.hasSuffix("plot") || $0.contains("plot ") }.count
    #expect((35...50).contains(plots))
  }

  @Test func oddQuestions() {
    #expect(PromptRewriting.prompt("", kind: .grid, target: 1, count: 2) == "<image>\nIn Image1, ")
    #expect(PromptRewriting.withoutMarks("<image>a<image>\nb<image>") == "ab")
    #expect(PromptRewriting.prompt("Été?", kind: .grid, target: 1, count: 2) == "<image>\nIn Image1, été?")
  }
}
