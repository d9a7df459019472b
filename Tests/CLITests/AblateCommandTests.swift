import Foundation
import Testing

@Suite("dpotrain ablate")
struct AblateCommandTests {
  /// The tiny run with four variants: of the loss, of the rule, none at all, and of the answers.
  private static let suite = """
    base: tiny.yaml
    seeds: [3, 4]
    output_dir: suite
    set: {sft.max_steps: 40, select.require_wrong: true}
    variants:
      - {name: main, table: Method, label: the method}
      - {name: beta, table: Method, label: β = 0.5, set: {train.beta: 0.5}}
      - {name: again, table: Method, label: the same}
      - {name: layer, table: Selection, label: layer 0, set: {select.layer: 0, select.heads: max}}

    """

  private func withSuite(_ body: (URL) throws -> Void) throws {
    try BuiltCommand.withFolder { folder in
      _ = try TinyRun.write(to: folder)
      try Data(Self.suite.utf8).write(to: folder.appendingPathComponent("suite.yaml"))
      try body(folder)
    }
  }

  private func origin(_ stage: String, of run: String, in folder: URL) throws -> String? {
    struct Done: Decodable { var from: String? }
    let file = folder.appendingPathComponent("suite/\(run)/\(stage)/done.json")
    return try JSONDecoder().decode(Done.self, from: Data(contentsOf: file)).from
  }

  @Test("shared parts are made once, a stopped suite goes on, and the same runs come out")
  func runsAndGoesOn() throws {
    try withSuite { folder in
      let plan = try BuiltCommand.run("ablate", "--config", "suite.yaml", "--plan", in: folder)
      #expect(plan.status == 0 && plan.output.contains("8 runs: 4 variants, seeds 3, 4, in suite"))

      let done = try BuiltCommand.run("ablate", "--config", "suite.yaml", "--quiet", in: folder)
      #expect(done.status == 0, "\(done.errors)")
      #expect(done.output.contains("8 of 8 runs done"))
      #expect(try origin("sft", of: "main-3", in: folder) == nil)
      #expect(try origin("sft", of: "beta-3", in: folder) == "main-3")
      #expect(try origin("select", of: "beta-3", in: folder) == "main-3")
      #expect(try origin("train", of: "beta-3", in: folder) == nil)
      #expect(try origin("train", of: "again-4", in: folder) == "main-4")
      #expect(try origin("compose", of: "layer-4", in: folder) == "main-4")
      #expect(try origin("select", of: "layer-4", in: folder) == nil)
      let table = try String(contentsOf: folder.appendingPathComponent("suite/ablations.md"), encoding: .utf8)
      #expect(table.contains("8 of 8 runs, seeds 3, 4.") && table.contains("| β = 0.5 |"))

      // A run of its own with the same configuration gives the same bytes.
      let alone = try BuiltCommand.run(
        "--config", "suite/beta-4/config.yaml", "--set", "run.output_dir=alone", "--quiet", in: folder)
      #expect(alone.status == 0, "\(alone.errors)")
      let pair = try ["alone", "suite/beta-4"].map {
        try TinyRun.fingerprint(of: folder.appendingPathComponent($0))
      }
      #expect(pair[0] == pair[1])

      // Killed after the base model of a seed: what is finished stays, the rest is made again.
      for stage in ["select", "train", "evaluate"] {
        try FileManager.default.removeItem(at: folder.appendingPathComponent("suite/layer-4/\(stage)"))
      }
      let status = try BuiltCommand.run("ablate", "--config", "suite.yaml", "--status", in: folder)
      #expect(status.status == 0 && status.output.contains("7 of 8 runs done, 1 begun"))
      let again = try BuiltCommand.run("ablate", "--config", "suite.yaml", in: folder)
      #expect(again.status == 0 && again.output.contains("now layer, seed 4"))
      #expect(!again.output.contains("now main") && again.output.contains("8 of 8 runs done"))
    }
  }

  @Test("a run that fails is told at the end, and the others are done")
  func failures() throws {
    try withSuite { folder in
      let yaml = Self.suite.replacingOccurrences(of: "[3, 4]", with: "[3]")
        .replacingOccurrences(
          of: "select.layer: 0, select.heads: max", with: "select.perplexity_min: 1000000")
      try Data(yaml.utf8).write(to: folder.appendingPathComponent("suite.yaml"))
      let done = try BuiltCommand.run("ablate", "--config", "suite.yaml", in: folder)
      #expect(done.status == 1 && done.output.contains("3 of 4 runs done"))
      #expect(
        done.errors.contains("error: 1 run failed:\nlayer, seed 3: select: all 22 candidates were dropped"))
    }
  }
}
