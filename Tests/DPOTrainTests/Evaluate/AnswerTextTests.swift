import DPOTrain
import Testing

@Suite("Answer text")
struct AnswerTextTests {
  @Test(arguments: [
    (" A  pullover. ", "a pullover"), ("Yes.", "yes"), ("T-shirt", "t shirt"), ("1.5", "1.5"), ("...", ""),
    ("On the feet.", "on the feet"),
  ])
  func normalized(text: String, expected: String) {
    #expect(AnswerText.normalized(text) == expected)
  }

  @Test("another image's answer counts only when it is not the right one")
  func otherImage() {
    #expect(AnswerText.isFromAnotherImage("Blue.", answer: "red", answersOfOthers: ["blue", "green"]))
    #expect(!AnswerText.isFromAnotherImage("red", answer: "Red", answersOfOthers: ["red"]))
    #expect(!AnswerText.isFromAnotherImage("pink", answer: "red", answersOfOthers: ["blue"]))
  }
}
