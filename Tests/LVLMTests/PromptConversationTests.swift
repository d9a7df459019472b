import LVLM
import TestSupport
import Testing

/// Prompts with a system message and with turns before the question.
@Suite struct PromptConversationTests {
  private func encoder(_ template: ChatTemplate) throws -> PromptEncoder {
    let folder = Fixtures.url("verification/llava_tiny")
    var configuration = try PretrainedModel.shape(of: folder).configuration
    configuration.text.contextLength = 4096
    return PromptEncoder(
      tokenizer: try PretrainedModel.encoder(of: folder).tokenizer, template: template,
      configuration: configuration)
  }

  /// Without either it is the prompt of a single question.
  @Test(arguments: ChatTemplate.all) func noneOfIt(_ template: ChatTemplate) throws {
    let encoder = try encoder(template)
    let question = "<image>\nWhat is it?"
    let usual = try encoder.example(question: question, images: [0], answers: ["a dog"])
    let found = try encoder.example(
      system: nil, history: [], question: question, images: [0], answers: ["a dog"])
    #expect(found.promptIDs == usual.promptIDs && found.completions == usual.completions)
  }

  /// Earlier turns are what supervised training learns: prompt, answer, further question.
  @Test(arguments: ChatTemplate.all) func earlierTurns(_ template: ChatTemplate) throws {
    let encoder = try encoder(template)
    let first = try encoder.example(question: "<image>\nWhat is it?", images: [0]).promptIDs
    let expected =
      try first + encoder.encode(answer: "a dog", isLast: false) + encoder.encode(laterQuestion: "How old?")
    let found = try encoder.example(
      system: nil, history: [("<image>\nWhat is it?", "a dog")], question: "How old?", images: [0])
    #expect(found.promptIDs == expected)
  }

  /// A system message stands where the template's own does; its words are text, marks included.
  @Test(arguments: ChatTemplate.all) func systemMessages(_ template: ChatTemplate) throws {
    let encoder = try encoder(template)
    let found = try encoder.example(system: "Be brief.", history: [], question: "Why?", images: [])
    let text = encoder.tokenizer.decode(found.promptIDs, showsSpecialTokens: true)
    let plain = text.filter { !$0.isWhitespace }
    #expect(plain.contains("Bebrief."), "\(text)")
    #expect(!plain.contains("Achatbetweenacurious") && !plain.contains("helpfulAIassistant"), "\(text)")
    // The template's own sentence in this place gives the template's own prompt.
    let (before, after) = (template.systemFrame.before, template.systemFrame.after)
    if template.beforeQuestion.hasPrefix(before), template.beforeQuestion.hasSuffix(after),
      template.beforeQuestion.count > before.count + after.count
    {
      let own = String(template.beforeQuestion.dropFirst(before.count).dropLast(after.count))
      let same = try encoder.example(system: own, history: [], question: "Why?", images: [])
      #expect(same.promptIDs == (try encoder.example(question: "Why?", images: []).promptIDs))
    }
  }

  /// Pictures belong to the marks of all turns, in order.
  @Test func picturesOfSeveralTurns() throws {
    let encoder = try encoder(.vicunaV1)
    let found = try encoder.example(
      system: nil, history: [("<image>\nWhat is it?", "a dog")], question: "And <image>?", images: [4, 7])
    let features = found.promptIDs.count { $0 == encoder.imageTokenID }
    #expect(features == 2 * encoder.geometry.largest(isAlone: false).count && found.images == [4, 7])
    #expect(
      throws: PromptError.imageCount(marks: 2, images: 1, prompt: "And <image>?")
    ) {
      try encoder.example(
        system: nil, history: [("<image>\nWhat is it?", "a dog")], question: "And <image>?", images: [0])
    }
    #expect(throws: PromptError.emptyAnswer(index: 0, prompt: "What?")) {
      try encoder.example(system: nil, history: [("What?", " \n")], question: "And?", images: [])
    }
  }
}
