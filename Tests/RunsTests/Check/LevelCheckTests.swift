import Evaluation
import Foundation
import LVLM
import MultiImageData
import Records
import Runs
import TestData
import TestSupport
import Testing

/// What is said before a run's first step about questions of levels 2 and 3.
@Suite struct LevelCheckTests {
  private static let data = "data: {source: shapes, sizes: {sft: 200, pref: 200, val: 200, test: 200}}\n"

  private func problems(_ yaml: String, _ stages: [Stage] = Stage.allCases) throws -> [String] {
    let configuration = try RunConfiguration(yaml: yaml, file: "run.yaml")
    return try RunCheck(configuration, source: try configuration.questionSource(), stages: stages)
      .problems().map(\.description)
  }

  @Test(arguments: [
    (
      "compose: {compare: {2: 5}}",
      "compose.compare.2: unknown key; compose.compare has total, counts, 3, 4, 5"
    ),
    ("compose: {compare: {total: 5, counts: [2, 3]}}", "compose.compare.counts"),
    ("compose: {compare_grid: {2: 5}}", "compose.compare_grid.2"),
    ("compose: {find: {6: 5}}", "compose.find.6"),
    ("compose: {find_grid: {5: 5}}", "compose.find_grid.5"), ("compose: {find: 5}", "compose.find"),
    ("compose: {compare: {3: -1}}", "compose.compare.3"), ("evaluate: {compare: -1}", "evaluate.compare"),
    ("evaluate: {find: many}", "evaluate.find"), ("sft: {composed: {compare: 1.5}}", "sft.composed.compare"),
    ("sft: {composed: {compare: 0.6, find: 0.5}}", "sft.composed.find: found 0.5 beside compare 0.6"),
    (
      "sft: {composed: {find: 0.5, sequence: {}, pic_in_pic: 1}}",
      "sft.composed.find: found a share without sequences and grids"
    ),
    (
      "sft: {composed: {find: 0.5, share: 0}}", "sft.composed.find: found a share without sequences and grids"
    ),
    ("sft: {composed: {compare: 0.5, questions: 1}}", "sft.composed.compare: found a share of the questions"),
    ("select: {levels: [compare, 2]}", "select.levels"), ("select: {levels: []}", "select.levels"),
    ("select: {formats: [compare]}", "select.formats"),
    ("select: {sampled_formats: [find]}", "select.sampled_formats"),
    ("select: {levels: [find]}", "select.levels: found find, of which compose makes no prompt"),
    ("train: {ballast_kinds: [find]}", "train.ballast_kinds"),
    (
      "select: {levels: [compare], rejected: truncated}\ncompose: {compare: {3: 5}}",
      "select.rejected: found truncated with select.levels compare alone"
    ),
    ("compose: {comparee: {}}", "did you mean compare?"),
  ])
  func wrongValues(yaml: String, expected: String) {
    #expect {
      try RunConfiguration(yaml: Self.data + yaml, file: "run.yaml")
    } throws: { error in
      "\(error)".contains(expected) && "\(error)".contains("run.yaml:2")
    }
  }

  @Test(arguments: [
    "select: {levels: [find]}\ncompose: {find_grid: {4: 1}}", "select: {levels: [name]}",
    "select: {levels: [compare, find]}\ncompose: {compare: {3: 1}}",
    "select: {levels: [find]}\ncompose: {path: folder}",
  ])
  func levelsThatAreMade(yaml: String) throws {
    _ = try RunConfiguration(yaml: Self.data + yaml, file: "run.yaml")
  }

  @Test func aSourceThatKnowsNothingOfItsPictures() throws {
    let folder = try TemporaryFolder()
    let turns = #"[{"from": "human", "value": "<image>\nwhat?"}, {"from": "gpt", "value": "that"}]"#
    let rows = (0..<40).map { #"{"id": "\#($0)", "image": "\#($0).png", "conversations": \#(turns)}"# }
    for number in 0..<40 {
      let shade = UInt8(number)
      try folder.write(
        try RGBImage(width: 8, height: 8, colour: RGBColour(shade, 0, 9)).pngBytes(), to: "\(number).png")
    }
    let file = try folder.write(Array(("[" + rows.joined(separator: ",") + "]").utf8), to: "a.json")
    let found = try problems(
      """
      data: {source: llava, path: \(file), sizes: {sft: 10, pref: 10, val: 10, test: 10}}
      sft: {composed: {find: 0.2}}
      compose: {sequence: {2: 2}, grid: {}, pic_in_pic: {total: 0}, compare: {3: 2}}
      evaluate: {questions: 1, sequence_counts: [2], grid_counts: [2], find_grid: 3}
      """)
    for key in [
      "run.yaml:2: sft.composed.find", "run.yaml:3: compose.compare", "run.yaml:4: evaluate.find_grid",
    ] {
      #expect(
        found.contains { $0.hasPrefix(key + ": source llava knows nothing of its pictures") }, "\(found)")
    }
  }

  @Test func tooFewPicturesThatDiffer() throws {
    let few = "data: {source: shapes, sizes: {sft: 60, pref: 4, val: 60, test: 60}}\n"
    let found = try problems(
      few + "compose: {sequence: {2: 1}, grid: {}, pic_in_pic: {total: 0}, compare: {5: 4}, find: {5: 4}}",
      [.compose])
    for key in ["compare", "find"] {
      #expect(
        found.contains {
          $0.hasPrefix("run.yaml:2: compose.\(key): has 5, and for 4 of 4 prompts the pref split has too few")
            && $0.contains("raise data.sizes.pref")
        }, "\(found)")
    }
    // The policy leaves out what cannot be made, unless nothing can.
    #expect(
      try problems(
        few + "compose: {sequence: {2: 1}, grid: {}, pic_in_pic: {total: 0}, find: {5: 4}}\n"
          + "run: {on_bad_record: skip}", [.compose]
      ).contains { $0.contains("compose.find: has 5") })
    let one = "data: {source: shapes, sizes: {sft: 1, pref: 40, val: 40, test: 40}}\n"
    #expect(
      try problems(one + "sft: {composed: {compare: 0.3}}", [.sft]).contains {
        $0.hasPrefix("run.yaml:2: sft.composed.compare: has 0.3, and no two pictures of the split sft differ")
      })
  }

  @Test func someWithTooFew() throws {
    let yaml = """
      data: {source: shapes, sizes: {sft: 60, pref: 5, val: 60, test: 60}}
      compose: {sequence: {}, grid: {}, pic_in_pic: {total: 0}, find: {5: 30}}
      """
    let found = try problems(yaml, [.compose])
    #expect(
      found.count == 1 && found[0].contains("leave these prompts out with run.on_bad_record: skip"),
      "\(found)")
    #expect(try problems(yaml + "\nrun: {on_bad_record: skip}", [.compose]).isEmpty)
  }

  @Test func enoughIsNoProblem() throws {
    #expect(
      try problems(
        Self.data + """
          sft: {composed: {compare: 0.2, find: 0.2, grid: {4: 1}}, eval_steps: 10, eval_questions: 20}
          compose:
            {compare: {total: 40}, compare_grid: {total: 40}, find: {total: 40}, find_grid: {total: 40}}
          evaluate: {questions: 10, compare: 10, compare_grid: 10, find: 10, find_grid: 10}
          """
      ).isEmpty)
  }

  /// What is composed besides is the same, whatever is asked of these levels.
  @Test func otherPromptsStayAsTheyAre() throws {
    let plain = try RunConfiguration(yaml: Self.data, file: "run.yaml")
    let more = try RunConfiguration(
      yaml: Self.data + "compose: {compare: {3: 6}, find_grid: {4: 6}}\nevaluate: {compare: 6, find: 5}",
      file: "run.yaml")
    let source = try plain.questionSource()
    let composer = LevelPrompts.composer(source)
    for (before, after, split) in [
      (CompositionPlan(plain.compose), CompositionPlan(more.compose), DataSplit.preference),
      (CompositionPlan(plain.evaluate), CompositionPlan(more.evaluate), .test),
    ] {
      let (old, new) = (
        try composer.requests(before, split: split), try composer.requests(after, split: split)
      )
      #expect(Array(new.prefix(old.count)) == old && new.count > old.count)
      #expect(new.dropFirst(old.count).allSatisfy { $0.level != nil })
    }
    #expect(more.compose.total == plain.compose.total + 12)
  }
}
