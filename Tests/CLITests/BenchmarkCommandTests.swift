import Foundation
import TestSupport
import Testing

@Suite struct BenchmarkCommandTests {
  private let model = Fixtures.url("golden/llava_tiny").path

  private func evaluate(_ file: String, _ output: URL, _ more: String...) throws -> BuiltCommand {
    try BuiltCommand.run(
      [
        "evaluate", "--data", Fixtures.url("benchmarks/\(file).tsv").path, "--model", model, "--output-dir",
        output.path,
        "--max-new-tokens", "4", "--batch-size", "2",
      ] + more)
  }

  private func text(_ folder: URL, _ name: String) throws -> String {
    try String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)
  }

  @Test func everyBenchmarkFromFileToTable() throws {
    try BuiltCommand.withFolder { folder in
      for file in [
        "AI2D_TEST", "BLINK", "MMBench_DEV_EN", "MMMU_DEV_VAL", "MMStar", "MMVet", "MVBench", "Mantis_Eval",
        "MathVista_MINI", "NLVR2", "POPE", "ScienceQA_TEST",
      ] {
        let call = try evaluate(file, folder, "--score", "both", "--quiet")
        #expect(call.status == 0, "\(call.errors)")
        #expect(call.output.hasPrefix("# \(file)\n") && call.output.contains("| overall |"))
        let predictions = try text(folder, file + "_predictions.tsv")
        let header = predictions.prefix { $0 != "\n" }.split(separator: "\t").map(String.init)
        #expect(header.first == "index" && !header.contains("image") && header.contains("prediction"))
        let results =
          try JSONSerialization.jsonObject(
            with: Data(contentsOf: folder.appendingPathComponent(file + "_results.json"))) as? [String: Any]
        #expect((results?["groups"] as? [Any])?.isEmpty == false)
      }
      let header = try text(folder, "AI2D_TEST_predictions.tsv").prefix { $0 != "\n" }
      #expect(
        header
          == "index\tquestion\tA\tB\tC\tD\tanswer\tcategory\tprediction\textracted\thit\tloglik_letter_A\tloglik_A\tloglik_mean_A"
          + "\tloglik_letter_B\tloglik_B\tloglik_mean_B\tloglik_letter_C\tloglik_C\tloglik_mean_C\tloglik_letter_D\tloglik_D\tloglik_mean_D"
      )
    }
  }

  @Test func aMissingModelOrAdapterIsNamed() throws {
    try BuiltCommand.withFolder { folder in
      let data = Fixtures.url("benchmarks/POPE.tsv").path
      for (more, problem) in [
        (
          ["--model", "nowhere"],
          "nowhere: found nothing, expected a model directory or GGUF file (--model)"
        ),
        (
          ["--model", model, "--adapter", "none.h5"],
          "none.h5: found nothing, expected a PEFT directory or a checkpoint of a LoRA run (--adapter)"
        ),
      ] {
        let call = try BuiltCommand.run(
          ["evaluate", "--data", data, "--output-dir", folder.path] + more)
        #expect(call.status != 0 && call.errors.contains(problem), "\(call.errors)")
      }
    }
  }

  /// The file of the answers so far.
  private func partial(in folder: URL) throws -> URL? {
    try FileManager.default.contentsOfDirectory(atPath: folder.path).first { $0.hasSuffix(".partial") }
      .map { folder.appending(component: $0) }
  }

  /// Starts an evaluation, kills it once it has written answers, and tears the last of them; gives the number
  /// of whole ones.
  private func kill(in folder: URL, _ arguments: [String]) throws -> Int {
    for _ in 0..<20 {
      let (process, _) = try BuiltCommand.start(
        arguments + ["--output-dir", folder.path, "--fresh"], in: folder)
      while process.isRunning,
        try partial(in: folder).flatMap({ try? Data(contentsOf: $0).count }) ?? 0 < 2000
      {
        usleep(500)
      }
      Foundation.kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
      guard let file = try partial(in: folder) else { continue }
      let rows = try Data(contentsOf: file)
      try rows.dropLast(15).write(to: file)
      return rows.split(separator: UInt8(ascii: "\n")).count - 1
    }
    return 0
  }

  @Test func aKilledEvaluationEndsUpTheSame() throws {
    try BuiltCommand.withFolder { folder in
      let (whole, killed) = (folder.appending(component: "whole"), folder.appending(component: "killed"))
      let arguments = [
        "evaluate", "--data", Fixtures.url("benchmarks/MMBench_DEV_EN.tsv").path, "--model", model, "--score",
        "both",
        "--batch-size", "1", "--max-new-tokens", "200",
      ]
      #expect(try BuiltCommand.run(arguments + ["--output-dir", whole.path, "--quiet"]).status == 0)
      try FileManager.default.createDirectory(at: killed, withIntermediateDirectories: true)
      let rows = try kill(in: killed, arguments)
      #expect((1..<12).contains(rows))
      let call = try BuiltCommand.run(arguments + ["--output-dir", killed.path])
      #expect(call.status == 0, "\(call.errors)")
      // The first line of progress tells what was kept.
      #expect(call.errors.contains("  \(rows + 1)/12") && !call.errors.contains("  \(rows)/12"))
      for ending in ["answers.jsonl", "predictions.tsv", "results.json", "results.md"] {
        let name = "MMBench_DEV_EN_" + ending
        #expect(try text(killed, name) == text(whole, name))
      }
      let again = try BuiltCommand.run(arguments + ["--output-dir", killed.path])
      #expect(again.status == 0 && again.output.contains("done already"))
    }
  }

  /// A stored answer that names an option twice, as an edited file may, counts with its first likelihood.
  @Test func anEditedAnswerIsReadOn() throws {
    try BuiltCommand.withFolder { folder in
      let arguments = [
        "evaluate", "--data", Fixtures.url("benchmarks/MMBench_DEV_EN.tsv").path, "--model", model, "--score",
        "both", "--batch-size", "1", "--max-new-tokens", "200",
      ]
      #expect(try kill(in: folder, arguments) > 0)
      let file = try #require(try partial(in: folder))
      var rows = try String(contentsOf: file, encoding: .utf8)
      let first = try #require(rows.firstMatch(of: /"likelihoods": \[(\{[^}]*\})/))
      rows.insert(contentsOf: ",\(first.1)", at: first.range.upperBound)
      try rows.write(to: file, atomically: true, encoding: .utf8)
      let call = try BuiltCommand.run(arguments + ["--output-dir", folder.path])
      #expect(call.status == 0, "\(call.errors)")
      #expect(try text(folder, "MMBench_DEV_EN_predictions.tsv").contains("loglik_mean_A"))
    }
  }

  @Test func anotherEvaluationIsRefused() throws {
    try BuiltCommand.withFolder { folder in
      #expect(try evaluate("POPE", folder, "--quiet").status == 0)
      let other = try evaluate("POPE", folder, "--quiet", "--score", "likelihood")
      #expect(other.status == 1)
      #expect(
        other.errors
          == "error: \(folder.path)/POPE_evaluation.json: found score generate, expected likelihood; "
          + "start over with --fresh or keep both with another --output-dir\n")
      let fresh = try evaluate("POPE", folder, "--quiet", "--score", "likelihood", "--fresh")
      #expect(fresh.status == 0, "\(fresh.errors)")
      #expect(fresh.output.contains("likeliest text") && !fresh.output.contains("generated"))
    }
  }

  @Test func badRowsStopOrAreLeftOut() throws {
    try BuiltCommand.withFolder { folder in
      let source = try text(Fixtures.url("benchmarks"), "AI2D_TEST.tsv")
      let bad = folder.appending(component: "bad.tsv").path
      try Data(source.replacingOccurrences(of: "partsOfA\n1\t", with: "partsOfA\n1\t!").utf8).write(
        to: URL(filePath: bad))
      let arguments = [
        "evaluate", "--data", bad, "--model", model, "--preset", "ai2d", "--max-new-tokens", "2",
      ]
      let stopped = try BuiltCommand.run(arguments + ["--quiet"], in: folder)
      #expect(stopped.status == 1)
      #expect(
        stopped.errors
          == "error: \(bad):3: record 1 (row 2): column image: found \"!\" at character 1 of the picture, expected base64\n"
          + "1 rows cannot be asked; --on-bad-row skip leaves them out, and lists them in the results\n")
      let skipped = try BuiltCommand.run(
        arguments + ["--on-bad-row", "skip", "--score", "likelihood"], in: folder)
      #expect(skipped.status == 0, "\(skipped.errors)")
      #expect(skipped.errors.contains("warning: left out: \(bad):3: record 1 (row 2): column image"))
      #expect(skipped.output.contains("1 rows that could not be asked were left out."))
      let made = try FileManager.default.contentsOfDirectory(
        at: folder.appending(path: "evaluations"), includingPropertiesForKeys: nil)
      // Another way of scoring is another folder.
      #expect(made.count == 2 && made.allSatisfy { $0.lastPathComponent.contains("llava_tiny-") })
      let finished = made.filter {
        FileManager.default.fileExists(atPath: $0.appending(path: "bad_results.json").path)
      }
      #expect(try text(#require(finished.first), "bad_results.json").contains("bad.tsv:3: record 1"))
    }
  }

  @Test func usage() throws {
    let listed = try BuiltCommand.run("evaluate", "--list-presets")
    #expect(listed.status == 0 && listed.output.contains("Mantis-Eval"))
    for (arguments, words) in [
      ([], "Missing expected argument '--config <file>' or '--data <file.tsv>'"),
      (["--data", "a.tsv"], "Missing expected argument '--model <path>'"),
      (["--data", "a.tsv", "--config", "a.yaml"], "give one of them"),
      (["--data", "a.tsv", "--model", "m", "--limit", "0"], "--limit must be from 1 to 1000000000"),
      (
        ["--data", "a.tsv", "--model", "m", "--preset", "x"], "--preset: found x, expected one of MMMU, BLINK"
      ),
    ] {
      let call = try BuiltCommand.run(["evaluate"] + arguments)
      #expect(call.status == 2 && call.errors.contains(words), "\(call.errors)")
    }
    try BuiltCommand.withFolder { folder in
      let file = folder.appending(component: "questions.tsv").path
      try Data("index\timage\tquestion\n".utf8).write(to: URL(filePath: file))
      let call = try BuiltCommand.run("evaluate", "--data", file, "--model", model)
      #expect(call.status == 1)
      #expect(
        call.errors.hasPrefix(
          "error: \(file): found no preset for this name, expected --preset with one of MMMU"))
      let open = try BuiltCommand.run(
        "evaluate", "--data", file, "--model", model, "--preset", "open", "--score", "likelihood")
      #expect(open.status == 1)
      #expect(open.errors.hasPrefix("error: \(file): found --score likelihood, expected generate"))
    }
  }
}
