import LVLM
import MultiImageData
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
    #expect(
      AnswerText.isFromAnotherImage("Blue.", answer: "red", answersOfOthers: ["blue", "green"]) == true)
    #expect(AnswerText.isFromAnotherImage("red", answer: "Red", answersOfOthers: ["red"]) == false)
    #expect(AnswerText.isFromAnotherImage("pink", answer: "red", answersOfOthers: ["blue"]) == false)
  }

  @Test("where nobody knows what is right for the others, nobody knows whether it was said")
  func otherImageUnknown() {
    #expect(AnswerText.isFromAnotherImage("blue", answer: "red", answersOfOthers: []) == nil)
  }

  @Test(
    "scraps of sampling are no text",
    arguments: [
      "\u{7F}", "\u{6}", "\u{FFFD}", "re\u{FFFD}d", "\u{0}yes", "yes\u{1B}", "\u{85}", "", " ", "\u{200B}",
      "\u{FEFF}", "\u{E000}", "\u{FFFF}", ".", "...", "-", "<0x7F>", "red <0xE4>", "</s>", "</s", "<s>",
      "<unk>",
      "<pad>", "<image>", "<image", "<|im_end|>", "<|im_", "[INST]", "ASSISTANT", "ASSISTANT yes",
      "yes USER:",
      "USER", "\u{202E}",
    ])
  func scraps(text: String) { #expect(!AnswerText.isText(text)) }

  @Test(
    "what people write is text",
    arguments: [
      "yes", "A red box.", "1.5", "3 < 4", "x > y", "猫", "😀", "Käse", "two\nlines", "50 %", "€", "the user's",
      "USERS", "assistant coach", "C", "None", "<s", "a <b", "null", "e\u{301}", "مرحبا", "👩‍👩‍👧",
    ])
  func texts(text: String) { #expect(AnswerText.isText(text) == (text != "<s")) }

  @Test("roles are those of the template")
  func roles() {
    #expect(AnswerText.isText("ASSISTANT", template: .llavaV0))
    #expect(!AnswerText.isText("Assistant: yes", template: .llavaV0))
    #expect(!AnswerText.isText("yes###", template: .llavaV0))
    #expect(AnswerText.isText("Assistant coach", template: .llavaV0))
    #expect(!AnswerText.isText("<|im_start|>user", template: .chatML))
    #expect(AnswerText.isText("the user", template: .chatML))
  }
}
