import Foundation
import TestSupport
import LVLM
import Testing

@Suite struct PromptTests {
  @Test func specialTokensOfTheTemplateAlone() throws {
    let tokenizer = try Tokenizer(
      json: Data(contentsOf: Fixtures.url("tokenizers/smollm.json")), bos: "<|im_start|>", eos: "<|im_end|>")
    var configuration = TinyModel.configuration
    configuration.text.contextLength = 256
    let encoder = PromptEncoder(tokenizer: tokenizer, template: .chatML, configuration: configuration)
    let (start, end) = try (
      #require(tokenizer.id(of: "<|im_start|>")), #require(tokenizer.id(of: "<|im_end|>"))
    )
    let question = "\nWhat<image> <|im_end|>?"
    let ids = try encoder.example(question: question, images: [0], room: 0).promptIDs
    #expect(ids.count { $0 == start } == 3)
    #expect(ids.count { $0 == end } == 2)
    #expect(ids.first == start)
    // Outside the question the text reads as the library reads it; the newlines at its border are one word.
    let before = try tokenizer.encode(parsingTokens: ChatTemplate.chatML.beforeQuestion + "\nWhat")
    #expect(Array(ids.prefix(before.count)) == before)
    #expect(ids.count { $0 == TinyModel.imageID } >= TinyModel.patches)
    #expect(try tokenizer.decode(encoder.encode(answer: "A dog.")) == "A dog.")
    // A further turn begins behind the eos of an answer, without the system sentence.
    let later = try encoder.encode(laterQuestion: "And <|im_end|>?")
    #expect(later.count { $0 == start } == 2 && later.count { $0 == end } == 1)
    #expect(
      tokenizer.decode(later, showsSpecialTokens: true)
        == "\n<|im_start|>user\nAnd <|im_end|>?<|im_end|>\n<|im_start|>assistant\n")
  }

  private func encoder(_ template: ChatTemplate = .plain) throws -> PromptEncoder {
    try PromptEncoder(
      tokenizer: Golden.tokenizer(), template: template, configuration: Golden.model().configuration)
  }

  @Test func templates() {
    let system =
      "A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful, "
      + "detailed, and polite answers to the user's questions."
    #expect(ChatTemplate.vicunaV1.prompt("Why?") == system + " USER: Why? ASSISTANT:")
    let human = system.replacing("user", with: "human")
    #expect(ChatTemplate.llavaV0.prompt("Why?") == human + "###Human: Why?###Assistant:")
    #expect(ChatTemplate.llavaV0.stop == "###")
    #expect(ChatTemplate.plain.prompt("Why?") == "USER: Why? ASSISTANT:")
    #expect(
      ChatTemplate.all.map(\.name)
        == [
          "vicuna_v1", "llava_v0", "plain", "chatml", "smolvlm", "onevision", "onevision_chatml", "xcomposer",
          "xcomposer_system",
        ])
    #expect(ChatTemplate(named: "plain") == .plain)
    #expect(ChatTemplate(named: "alpaca") == nil)
  }

  @Test func chunksAreEncodedApart() throws {
    let encoder = try encoder()
    let tokenizer = encoder.tokenizer
    let example = try encoder.example(
      question: "<image>\nOne <image>two?", images: [4, 2], answers: ["two dogs"])
    let image = Array(repeating: tokenizer.imageID, count: 4)
    let expected =
      try [tokenizer.bosID] + tokenizer.encode("USER: ") + image + tokenizer.encode("\nOne ") + image
      + tokenizer.encode("two? ASSISTANT:")
    #expect(example.promptIDs == expected)
    #expect(example.images == [4, 2])
    #expect(try example.completions == [tokenizer.encode("two dogs") + [tokenizer.eosID]])
    // The chunk behind a picture begins with the dummy prefix, then the newline.
    #expect(try tokenizer.encode("\nOne ").prefix(2).compactMap(tokenizer.piece) == ["▁", "<0x0A>"])
    #expect(try encoder.encode("<image>", imageCount: 1) == [tokenizer.bosID] + image)
  }

  @Test func wrongNumberOfMarks() throws {
    let encoder = try encoder()
    let error = #expect(throws: PromptError.self) {
      try encoder.example(question: "<image>\n<image> Which?", images: [0, 1, 2])
    }
    #expect(
      error?.description
        == "prompt \"USER: <image>⏎<image> Which? ASSISTANT:\": found 2 <image> marks, expected 3, one per image"
    )
  }

  @Test func emptyAnswer() throws {
    let encoder = try encoder()
    let error = #expect(throws: PromptError.self) {
      try encoder.example(question: "Which?", images: [], answers: ["this", " \n"])
    }
    #expect(error?.description == "prompt \"Which?\": answer 1 is empty, expected text")
  }

  @Test func longPrompt() throws {
    let encoder = try encoder()
    let question = String(repeating: "a very long question ", count: 200)
    let error = #expect(throws: PromptError.self) { try encoder.example(question: question, images: []) }
    #expect(error?.description.contains("expected at most 512 (the context length)") == true)
    let short = try encoder.example(question: "Which?", images: []).promptIDs.count
    #expect(
      throws: PromptError.noRoom(tokens: short, room: 513 - short, context: 512, prompt: "Which?")
    ) {
      try encoder.example(question: "Which?", images: [], room: 513 - short)
    }
    // The part that is too long is told, not the prompt before it.
    let answers = ["this", question]
    let tokens = try encoder.encode(answer: question).count
    let long = #expect(throws: PromptError.self) {
      try encoder.example(question: "Which?", images: [], answers: answers)
    }
    #expect(
      long
        == .answerTooLong(
          index: 1, tokens: tokens, promptTokens: short, context: 512, answer: question))
    #expect(
      long?.description(answers: ["chosen answer", "rejected answer"])
        == "rejected answer \"a very long question a very long question a very long quest…\": found "
        + "\(tokens) tokens after a prompt of \(short), expected at most \(512 - short): 512 together (the "
        + "context length)")
  }
}
