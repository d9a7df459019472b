import Foundation
import Runs
import Testing

/// `dpotrain explain`, `schema` and `init`.
@Suite struct ConfigurationCommandTests {
  @Test func aKeyIsExplained() throws {
    let call = try BuiltCommand.run("explain", "train.beta")
    #expect(call.status == 0 && call.output.hasPrefix("train.beta\n    Scale β"), "\(call.errors)")
    let wrong = try BuiltCommand.run("explain", "train.bata")
    #expect(wrong.status == 1 && wrong.output.isEmpty)
    #expect(wrong.errors == "error: no key \"train.bata\"; did you mean train.beta?\n")
  }

  @Test func theSchemaIsJSON() throws {
    let call = try BuiltCommand.run("schema")
    #expect(call.status == 0)
    let json = try JSONSerialization.jsonObject(with: Data(call.output.utf8)) as? [String: Any]
    let properties = try #require(json?["properties"] as? [String: Any])
    #expect(Set(properties.keys) == Set(ConfigurationReference.sections))
  }

  @Test(arguments: ConfigurationStarter.allCases)
  func aStarterIsWrittenOnce(kind: ConfigurationStarter) throws {
    try BuiltCommand.withFolder { folder in
      let first = try BuiltCommand.run("init", kind.rawValue, "mine.yaml", in: folder)
      #expect(first.status == 0 && first.output.hasPrefix("wrote mine.yaml"), "\(first.errors)")
      let file = folder.appendingPathComponent("mine.yaml")
      #expect(try String(contentsOf: file, encoding: .utf8) == kind.yaml)
      try Data("mine".utf8).write(to: file)
      let again = try BuiltCommand.run("init", kind.rawValue, "mine.yaml", in: folder)
      #expect(again.status != 0 && again.errors.contains("mine.yaml is there already"))
      #expect(try String(contentsOf: file, encoding: .utf8) == "mine")
      // A link to nothing is no new file either.
      try FileManager.default.createSymbolicLink(
        atPath: folder.appendingPathComponent("link.yaml").path, withDestinationPath: "elsewhere")
      #expect(try BuiltCommand.run("init", kind.rawValue, "link.yaml", in: folder).status != 0)
      #expect(!FileManager.default.fileExists(atPath: folder.appendingPathComponent("elsewhere").path))
      for bad in ["mine.txt", "nowhere/mine.yaml"] {
        #expect(try BuiltCommand.run("init", kind.rawValue, bad, in: folder).status != 0)
      }
    }
  }

  /// The starters name files; with files there, `plan` has nothing to object to.
  @Test func startersArePlanned() throws {
    try PairsToTrainOn.withFolder { folder in
      let conversations = (0..<12).map { index in
        #"{"id": "r\#(index)", "image": "a\#(index % 4).png", "conversations": ["#
          + #"{"from": "human", "value": "<image>\nWhat is number \#(index)?"}, "#
          + #"{"from": "gpt", "value": "a red dog"}]}"#
      }.joined(separator: "\n")
      try Data(conversations.utf8).write(to: folder.appendingPathComponent("conversations.jsonl"))
      for kind in ConfigurationStarter.allCases {
        let file = folder.appendingPathComponent("\(kind).yaml")
        let paths = [
          "MODEL": PairsToTrainOn.model, "PAIRS": "pairs.jsonl", "PICTURES": "pictures",
          "CONVERSATIONS": "conversations.jsonl",
        ]
        let yaml = kind.places.reduce(kind.yaml) { $0.replacing(": \($1) ", with: ": \(paths[$1]!) ") }
        try Data(yaml.utf8).write(to: file)
        // So few records ask for smaller numbers; what is left are the keys of the starter.
        let smaller =
          kind == .pairs
          ? ["tokenizer.template=plain"]
          : [
            "data.sizes={sft: \(kind == .pictures ? 4 : 0), pref: 4, val: 2, test: 2}",
            "compose.sequence={2: 2}", "compose.grid={}", "compose.pic_in_pic.total=0",
            "evaluate.questions=1", "evaluate.sequence_counts=[2]", "evaluate.grid_counts=[2]",
            "sft.composed={share: 0}",
          ]
        let call = try BuiltCommand.run(
          ["plan", "--config", file.path] + smaller.flatMap { ["--set", $0] }, in: folder)
        #expect(!call.errors.contains("key"), "\(kind): \(call.errors)")
        if kind == .pairs { #expect(call.status == 0, "\(call.output) \(call.errors)") }
      }
    }
  }
}
