import Checkpoint
import Foundation
import LVLM
import TestSupport
import Testing

/// Templates of the kinds that models ship, as transformers renders them (`templates/cases.json`).
@Suite struct JinjaTemplateTests {
  private let json: JSONValue

  init() throws {
    let bytes = try Data(contentsOf: Fixtures.url("templates/cases.json"))
    json = try bytes.withUnsafeBytes { try JSONReader.read($0) }
  }

  private func text(_ value: JSONValue?) -> String? {
    if case .string(let text)? = value { text } else { nil }
  }

  private func render(_ source: String, _ messages: JSONValue, isPrompt: Bool) -> Result<String, any Error> {
    Result {
      try JinjaTemplate(source).render(json: [
        "messages": messages, "tools": .null, "documents": .null, "add_generation_prompt": .boolean(isPrompt),
        "bos_token": .string("<s>"), "eos_token": .string("</s>"),
      ])
    }
  }

  @Test func templatesOfModels() throws {
    guard case .array(let cases)? = json["cases"], case .object(let templates)? = json["templates"] else {
      Issue.record("no cases")
      return
    }
    #expect(templates.count >= 20 && cases.count == templates.count * 22)
    for item in cases {
      let name = try #require(text(item["template"]))
      let key = try #require(text(item["conversation"]))
      let source = try #require(text(json["templates"]?[name]))
      let messages = try #require(json["conversations"]?[key])
      let found = render(source, messages, isPrompt: item["generation"] == .boolean(true))
      #expect(
        (try? found.get()).map { Array($0.utf8) } == text(item["text"]).map { Array($0.utf8) },
        "\(name) \(key) \(found)")
    }
  }

  @Test func constructsOneByOne() throws {
    guard case .array(let snippets)? = json["snippets"] else {
      Issue.record("no snippets")
      return
    }
    let messages = try #require(json["conversations"]?["turns"])
    var refused = 0
    for item in snippets {
      let source = try #require(text(item["source"]))
      let found = render(source, messages, isPrompt: false)
      #expect(
        (try? found.get()).map { Array($0.utf8) } == text(item["text"]).map { Array($0.utf8) },
        "\(source) \(found)")
      if text(item["text"]) == nil { refused += 1 }
    }
    #expect(snippets.count > 30 && refused == 8)
  }

  /// What is not computed is named with its line when a template is read.
  @Test(arguments: [
    ("a\n{% include 'x' %}", "line 2: a block {% include %}"),
    ("{{ x\n | groupby('a') }}", "line 2: a filter groupby"),
    ("{{ x | map('groupby') }}", "line 1: a filter groupby"),
    ("{{ x | selectattr('a', 'filter') }}", "line 1: a test filter"),
    ("{{ 'a'.format(1) }}", "line 1: a method .format()"),
    ("{{ x is nobody }}", "line 1: a test nobody"),
    ("{% for x in y recursive %}{% endfor %}", "line 1: a loop that is recursive"),
    ("{{ f(*x) }}", "line 1: arguments that are unpacked"),
    ("{{ joiner() }}", "line 1: a function joiner()"),
    ("\n{% if x %}", "without its {% endif %}"), ("{{ 'a }}", "a text without its closing"),
    ("{{ a b }}", "found \"b\", expected }}"), ("{% break %}", "outside a loop"),
    ("{# x", "a comment {#"), ("{{ 1 + }}", "found }}, expected an expression"),
    ("{% call f() %}{% endcall %}", "a block {% call %}"), ("{{ \u{A7} }}", "an unexpected character"),
    (
      "{{ \(String(repeating: "(", count: 900))1\(String(repeating: ")", count: 900)) }}",
      "more than 200 constructs"
    ),
  ]) func refusals(source: String, words: String) {
    #expect {
      _ = try JinjaTemplate(source)
    } throws: { error in
      "\(error)".contains(words)
    }
  }

  /// Templates that would not end, or fill the memory.
  @Test(arguments: [
    "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "{{ 'aaaaaaaa' * 1000000000 }}",
    "{% for i in range(100000) %}{{ 'aaaaaaaaaa' * 100000 }}{% endfor %}", "{{ range(1000000000) | length }}",
    "{{ 9223372036854775807 + 1 }}", "{{ -9223372036854775807 - 2 }}",
  ]) func endlessTemplates(source: String) throws {
    let template = try JinjaTemplate(source)
    #expect(throws: JinjaError.self) { _ = try template.render(json: [:]) }
  }

  /// Bytes that are changed at random give a text or an error.
  @Test func damagedTemplates() throws {
    guard case .object(let templates)? = json["templates"] else { return }
    let messages = try #require(json["conversations"]?["systemTurns"])
    var state: UInt64 = 9
    func next(_ count: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int((state >> 33) % UInt64(count))
    }
    var rendered = 0
    for (_, value) in templates {
      var scalars = Array((text(value) ?? "").unicodeScalars)
      for _ in 0..<20 {
        let place = next(scalars.count)
        switch next(3) {
        case 0: scalars.remove(at: place)
        case 1: scalars.insert(scalars[next(scalars.count)], at: place)
        default: scalars.swapAt(place, next(scalars.count))
        }
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        if case .success = render(String(view), messages, isPrompt: true) { rendered += 1 }
      }
    }
    #expect(rendered > 0)
  }
}
