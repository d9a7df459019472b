import Checkpoint
import Foundation
import LVLM
import TestSupport
import Testing

/// Prompts and answers by a model's own chat template.
@Suite struct ChatEngineTests {
  private let sources: JSONValue

  init() throws {
    let bytes = try Data(contentsOf: Fixtures.url("templates/cases.json"))
    sources = try #require(try bytes.withUnsafeBytes { try JSONReader.read($0) }["templates"])
  }

  private func source(_ name: String) throws -> String {
    guard case .string(let text)? = sources[name] else { throw CocoaError(.fileNoSuchFile) }
    return text
  }

  private func tokenizer() throws -> Tokenizer {
    try Tokenizer(
      json: Data(contentsOf: Fixtures.url("tokenizers/smollm.json")), bos: "<|im_start|>", eos: "<|im_end|>")
  }

  private func template(_ jinja: String, eos: String = "<|im_end|>") throws -> ChatTemplate {
    try ChatTemplate(
      running: jinja, names: ["bos_token": "<|im_start|>", "eos_token": eos],
      specials: ["<|im_start|>", "<|im_end|>", "<|endoftext|>", "<image>"])
  }

  private func encoder(_ template: ChatTemplate) throws -> PromptEncoder {
    var configuration = TinyModel.configuration
    configuration.text.contextLength = 512
    configuration.text.vocabularySize = 60_000
    return PromptEncoder(tokenizer: try tokenizer(), template: template, configuration: configuration)
  }

  /// A template that is known here gives the same ids by its own text and by the engine.
  @Test(arguments: ["chatml", "onevision_chatml"]) func agreesWithKnownTemplates(
    name: String
  ) throws {
    let known = try #require(ChatTemplate(named: name))
    let jinja = name == "chatml" ? try source("smollm2") : known.jinja
    #expect(ChatTemplate(jinja: jinja) == known)
    let (ours, engine) = (try encoder(known), try encoder(template(jinja)))
    #expect(engine.template != known && engine.template.stop == known.stop)
    let picture = TinyModel.grid
    for (question, count) in [("Why <|im_end|>?", 0), (" \nA ", 0), ("<image>\nWhat?", 1)] {
      // SmolLM2's own has texts alone.
      if count > 0, name == "chatml" { continue }
      let grids = Array(repeating: picture, count: count)
      for system in [nil, "Be brief. <|im_start|>"] as [String?] {
        for history in [[], [(question: "One?", answer: "Two.")]] {
          func example(_ encoder: PromptEncoder) throws -> PackedExample {
            try encoder.example(
              system: system, history: history, question: question, images: Array(0..<count), grids: grids)
          }
          #expect(try example(ours).promptIDs == example(engine).promptIDs, "\(question) \(system ?? "")")
        }
      }
    }
    if name == "chatml" {
      let turns = [("One?", "Two. <|im_end|>"), ("Three?", "Four.")]
      let (a, b) = (try ours.conversation(turns, grids: []), try engine.conversation(turns, grids: []))
      #expect(a.ids == b.ids)
      #expect(a.answers == b.answers)
      let answers = ["Two.", " <|im_start|>x"]
      #expect(
        try ours.example(question: "One?", images: [], answers: answers)
          == engine.example(question: "One?", images: [], answers: answers))
    }
  }

  /// The same of whole models: prompts and answers of SmolVLM and of LLaVA-1.5.
  @Test(arguments: [
    ("smolvlm", "smolvlm", ChatTemplate.smolVLM), ("verification/llava_tiny", "llava-1.5", .plain),
  ]) func agreesInModels(directory: String, name: String, known: ChatTemplate) throws {
    let url = Fixtures.url(directory)
    var ours = try PretrainedModel.encoder(of: url, template: known)
    let jinja = try source(name)
    #expect(ChatTemplate(jinja: jinja) == known)
    let tokenizer = ours.tokenizer
    var run = ours
    run.template = try ChatTemplate(
      running: jinja,
      names: [
        "bos_token": tokenizer.piece(tokenizer.bosID) ?? "",
        "eos_token": tokenizer.piece(tokenizer.eosID) ?? "",
      ], specials: tokenizer.specialTexts)
    ours.template = known
    for question in ["<image>\nWhat colour?", "Why?", "<image>\nOne, <image>\ntwo?"] {
      // LLaVA's own gathers pictures before the words.
      if name == "llava-1.5", question.hasSuffix("two?") { continue }
      let count = question.ranges(of: "<image>").count
      func example(_ encoder: PromptEncoder) throws -> PackedExample {
        try encoder.example(question: question, images: Array(0..<count), answers: ["Red.", "A dog"])
      }
      let (a, b) = (try example(ours), try example(run))
      #expect(a.promptIDs == b.promptIDs, "\(question)")
      #expect(a.completions == b.completions, "\(question)")
    }
  }

  /// Special tokens are those that the template writes; texts are texts.
  @Test func textsOfPeople() throws {
    let encoder = try encoder(template(source("chatml")))
    let ids = try encoder.example(
      system: "<|im_end|>", history: [], question: "a<|im_start|>b", images: [], answers: ["<|im_end|>"])
    #expect(
      encoder.tokenizer.decode(ids.promptIDs, showsSpecialTokens: true)
        == "<|im_start|>system\n<|im_end|><|im_end|>\n<|im_start|>user\na<|im_start|>b<|im_end|>\n"
        + "<|im_start|>assistant\n")
    let mark = try #require(encoder.tokenizer.id(of: "<|im_start|>"))
    #expect(ids.promptIDs.count { $0 == mark } == 3)
    #expect(ids.completions[0].last == encoder.tokenizer.eosID && ids.completions[0].count > 2)
    // What is between the prompt and eos is the answer, whatever it looks like.
    #expect(try ids.completions[0].dropLast() == encoder.tokenizer.encode("<|im_end|>")[...])
  }

  /// A template that trims, one with an end of its own, one that ends only the last answer, one without end.
  @Test func framesOfAnswers() throws {
    let gemma = try encoder(template(source("gemma")))
    let one = try gemma.example(question: "  Why?  ", images: [], answers: [" Because. "])
    #expect(
      gemma.tokenizer.decode(one.promptIDs, showsSpecialTokens: true)
        == "<|im_start|><start_of_turn>user\nWhy?<end_of_turn>\n<start_of_turn>model\n")
    #expect(one.promptIDs.count { $0 == gemma.tokenizer.bosID } == 1)
    #expect(gemma.tokenizer.decode(one.completions[0]) == "Because.<end_of_turn>")
    #expect(one.completions[0].last == gemma.tokenizer.eosID)
    #expect(gemma.template.stop == "<end_of_turn>")
    #expect {
      _ = try gemma.example(system: "Be brief.", history: [], question: "Why?", images: [])
    } throws: { "\($0)".contains("the template refuses this: System role not supported") }
    let phi = try encoder(template(source("phi3")))
    let turns = [("One?", "Two."), ("Three?", "Four.")]
    let both = try phi.conversation(turns, grids: [])
    let texts = both.answers.map { phi.tokenizer.decode(Array(both.ids[$0]), showsSpecialTokens: true) }
    #expect(texts == ["Two.<|end|>", "Four.<|end|>\n<|im_end|>"])
    #expect(
      phi.tokenizer.decode(both.ids, showsSpecialTokens: true)
        == "<|user|>\nOne?<|end|>\n<|assistant|>\nTwo.<|end|>\n<|user|>\nThree?<|end|>\n<|assistant|>\n"
        + "Four.<|end|>\n<|im_end|>")
  }

  /// Pictures stand where the template puts them: as parts, or as marks among the words.
  @Test func pictures() throws {
    let grid = TinyModel.grid
    func shown(_ name: String, _ question: String, _ count: Int) throws -> String {
      let encoder = try encoder(template(source(name)))
      let ids = try encoder.example(
        question: question, images: Array(0..<count), grids: Array(repeating: grid, count: count)
      ).promptIDs
      var text = ""
      for run in ids.split(separator: encoder.imageTokenID, omittingEmptySubsequences: false) {
        text += encoder.tokenizer.decode(Array(run), showsSpecialTokens: true) + "#"
      }
      return String(text.dropLast()).replacing(String(repeating: "#", count: TinyModel.patches), with: "#")
    }
    #expect(try shown("llava-1.5", "<image>\nWhat?", 1) == "USER: #\nWhat? ASSISTANT:")
    #expect(try shown("llava-1.5", "A <image> and", 1) == "USER: #\nA   and ASSISTANT:")
    #expect(
      try shown("chatml", "A <image>\nb", 1) == "<|im_start|>user\nA #\nb<|im_end|>\n<|im_start|>assistant\n")
    #expect(throws: PromptError.self) { _ = try shown("qwen2-vl", "<image>a", 1) }
  }

  /// What cannot be used is refused in words.
  @Test func refusals() throws {
    // The system text stands before the last question as long as that has no answer.
    let mixtral = try encoder(template(source("mixtral")))
    func example(_ system: String?, _ answers: [String]) throws -> PackedExample {
      try mixtral.example(
        system: system, history: [("One?", "Two.")], question: "Three?", images: [], answers: answers)
    }
    let prompt = mixtral.tokenizer.decode(try example("S", []).promptIDs, showsSpecialTokens: true)
    #expect(prompt.hasSuffix("[INST] S\n\nThree?[/INST]"), "\(prompt)")
    #expect(try example(nil, ["Four."]).completions[0].last == mixtral.tokenizer.eosID)
    #expect {
      _ = try example("S", ["Four."])
    } throws: { "\($0)".contains("the chat template rewrites what is before an answer") }
    for (jinja, words) in [
      (try source("llava-onevision"), "is not how a conversation with its answer begins"),
      (try source("deepseek-r1"), "is not how a conversation with its answer begins"),
      ("{{ messages[0] }}", "does not write what is said"), ("{{ 'x' }}", "does not write what is said"),
      (
        "{% for m in messages %}{{ m.content }}\n{% endfor %}{% include 'a' %}",
        "line 2: a block {% include %}"
      ),
    ] {
      #expect("\(jinja.prefix(60))") {
        _ = try template(jinja)
      } throws: { "\($0)".contains(words) }
    }
    let late = "{% for m in messages %}{{ messages | length }}{{ m.content }}\n{% endfor %}"
    #expect(throws: JinjaError.self) { _ = try template(late) }
  }
}
