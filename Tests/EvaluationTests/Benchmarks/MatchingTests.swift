import Evaluation
import Foundation
import TestSupport
import Testing

/// Expected values come from VLMEvalKit's own functions; see `Tests/Fixtures/README.md`.
@Suite struct MatchingTests {
  private let golden: [String: Any]

  init() throws {
    let data = try Data(contentsOf: Fixtures.url("benchmarks/matching.json"))
    golden = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
  }

  private func rows(_ name: String) throws -> [[Any]] { try #require(golden[name] as? [[Any]]) }

  @Test func options() throws {
    let sets = try #require(golden["option_sets"] as? [String: [String: String]])
    let options = sets.mapValues { set in
      set.sorted { $0.key < $1.key }.map { OptionMatching.Option($0.key, $0.value) }
    }
    let cases = try rows("options")
    #expect(cases.count > 600)
    for row in cases {
      let set = try #require(row[0] as? String)
      let answer = try #require(row[1] as? String)
      let found = OptionMatching.letter(in: answer, options: try #require(options[set]))
      #expect(found == row[2] as? String, "\(set): \(answer)")
    }
  }

  @Test func yesAndNo() throws {
    for row in try rows("yes_no") {
      let text = try #require(row[0] as? String)
      #expect(YesNoMatching.answer(in: text) == row[1] as? String, "\(text)")
    }
    for row in try rows("punctuation") {
      let text = try #require(row[0] as? String)
      #expect(YesNoMatching.withoutPunctuation(text) == row[1] as? String, "\(text)")
    }
  }

  @Test func videoAnswers() throws {
    let candidates = try #require(golden["video_candidates"] as? [String])
    let options = zip(["A", "B", "C"], candidates).map { OptionMatching.Option($0, $1) }
    for row in try rows("video") {
      let answer = try #require(row[0] as? String)
      let right = try #require(row[1] as? [Bool])
      let found = OptionMatching.letterOfVideoAnswer(answer, options: options)
      // There an answer without words is right whatever the reference is; here it is not read.
      let expected = answer.isEmpty ? [false, false, false] : right
      #expect(options.map { $0.letter == found } == expected, "\(answer)")
    }
  }

  @Test func numbers() throws {
    for row in try rows("typed") {
      let type = try #require(row[0] as? String)
      let reference = OpenMatching.value(of: try #require(row[1] as? String), type: type)
      let answer = try #require(row[2] as? String)
      let found = OpenMatching.value(of: answer, type: type)
      #expect((found != nil && found == reference) == (row[3] as? Bool), "\(type): \(answer)")
    }
    #expect(OpenMatching.value(of: " [1, 2] ", type: "list") == "[1, 2]")
    #expect(OpenMatching.value(of: " ", type: "text") == nil)
  }

  @Test func partsOfAReference() {
    for (answer, reference, expected) in [
      ("x = -1 or x = -5", "-1<AND>-5", true), ("x = -1", "-1<AND>-5", false),
      ("It is GREEN.", "green<OR>lime", true),
      ("evergreen", "green<OR>lime", false), ("a lime", "green<OR>lime", true), ("", "green", false),
      ("a and c", "a<AND>b<OR>c", true), ("b and c", "a<AND>b<OR>c", false),
    ] {
      #expect(OpenMatching.satisfies(answer, reference: reference) == expected, "\(answer) for \(reference)")
    }
  }
}
