import Foundation
import Records
import TestSupport
import Testing

/// A run that is looked at while it runs, is killed, and goes on: TensorBoard's files and the report.
@Suite struct RunningRunTests {
  private func lines(of run: URL) -> [String] {
    let text = (try? String(contentsOf: run.appendingPathComponent("metrics.jsonl"), encoding: .utf8)) ?? ""
    return text.hasSuffix("\n") ? text.split(separator: "\n").map(String.init) : []
  }

  private func wait(until isTrue: () -> Bool) {
    for _ in 0..<100_000 {
      if isTrue() { return }
      usleep(2000)
    }
  }

  /// Steps of a stage with their times as `metrics.jsonl` has them.
  private func times(_ stage: String, of run: URL) throws -> [Int: Double] {
    var times: [Int: Double] = [:]
    for line in lines(of: run) where line.contains("\"stage\": \"\(stage)\"") {
      let row = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] ?? [:]
      times[try #require(row["step"] as? Int)] = try #require(row["wall_time"] as? Double, "\(line)")
    }
    return times
  }

  @Test func itIsReportedAndItsEventsAreReadWhileItRunsAndAfterAKill() throws {
    try BuiltCommand.withFolder { folder in
      let config = try TinyRun.write(to: folder)
      let run = folder.appendingPathComponent("runs/tiny")
      let begun = Date().timeIntervalSince1970
      let arguments = ["--config", config, "--set", "train.max_steps=1200", "--set", "train.save_steps=7"]
      let (process, _) = try BuiltCommand.start(arguments, in: folder)
      wait {
        !process.isRunning || lines(of: run).count { $0.contains("\"train\"") } > 9
      }
      try #require(process.isRunning, "the run ended before it was looked at")

      // While it runs: the events have the rows of the log, and the report shows what is there.
      let logged = lines(of: run).count
      let live = try EventFile.all(in: run)
      #expect(live.count == 1)
      let events = try EventFile(live[0]).events
      #expect(events.first?.version == "brain.Event:2")
      #expect(events.count { $0.scalars["sft/loss"] != nil || $0.scalars["train/loss"] != nil } >= logged)
      #expect(events.contains { $0.texts["configuration"]?.contains("max_steps: 1200") == true })
      let picture = try #require(events.compactMap { $0.images["prompts/sequence/1"] }.first)
      #expect(picture.bytes.starts(with: [0x89, 0x50, 0x4E, 0x47]) && picture.width > picture.height)

      // A tag is one plugin's alone.
      let (texts, images) = (Set(events.flatMap(\.texts.keys)), Set(events.flatMap(\.images.keys)))
      #expect(texts.isDisjoint(with: images) && texts.contains("prompts/sequence/1/text"))

      // Held where it is: it still holds the run, and cannot end before the reports on a busy machine do.
      kill(process.processIdentifier, SIGSTOP)
      for command in [["report", "runs/tiny"], ["report"] + arguments] {
        let report = try BuiltCommand.run(command, in: folder)
        #expect(report.status == 0, "\(report.errors)")
      }
      let page = try String(contentsOf: run.appendingPathComponent("report.html"), encoding: .utf8)
      #expect(page.contains("This run is not finished"))
      #expect(page.contains(#/<b>train<\/b> step \d+ of 1200, logged at /#))
      #expect(page.contains("<b>evaluate</b> not begun"))
      #expect(page.contains("Preference optimization") && page.contains("Selection of pairs"))
      #expect(process.isRunning)

      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
      let killed = try EventFile(live[0])
      let last = try #require(killed.events.last { $0.scalars["train/loss"] != nil }).step

      let before = try times("train", of: run)

      // A line cut short is no error, and is told.
      let metrics = run.appendingPathComponent("metrics.jsonl")
      let whole = try Data(contentsOf: metrics)
      try (whole + Data("{\"stage\": \"train\", \"st".utf8)).write(to: metrics)
      #expect(try BuiltCommand.run("report", "runs/tiny", in: folder).status == 0)
      let cut = try String(contentsOf: run.appendingPathComponent("report.html"), encoding: .utf8)
      #expect(cut.contains("metrics.jsonl, last line: it is being written"))

      // Beside a finished run there is no comparison yet, but its keys and how far it is.
      let compared = try BuiltCommand.run("compare", "runs/tiny", "runs/tiny", in: folder)
      #expect(compared.status == 0, "\(compared.errors)")
      #expect(
        compared.output.contains("nothing to compare yet: sft done, compose done, select done, train step"))
      let table = try BuiltCommand.run("table", "runs/tiny", in: folder)
      #expect(table.status == 1 && table.errors.contains("runs/tiny: is a run that is not evaluated yet"))

      // It goes on: every step once, with the times that it had, to a TensorBoard that has read both files.
      let rest = try BuiltCommand.run(
        "--config", config, "--set", "train.max_steps=1200", "--set", "train.save_steps=500", "--quiet",
        in: folder)
      #expect(rest.status == 0, "\(rest.errors)")
      let files = try EventFile.all(in: run)
      #expect(files.count == 1 && files[0] != live[0])
      let resumed = try EventFile(files[0])
      #expect(resumed.unfinished == 0)
      let curve = EventFile.curve("train/loss", in: [killed, resumed])
      #expect(curve.map(\.step) == Array(1...1200))
      let times = try times("train", of: run)
      // A checkpoint is written after the row of its step.
      let checkpoint = (last - 1) / 7 * 7
      try #require(checkpoint > 0)
      for step in 1...checkpoint { #expect(times[step] == before[step], "\(step)") }
      for event in resumed.events {
        guard event.scalars["train/loss"] != nil else { continue }
        #expect(event.wallTime == times[event.step] && event.wallTime >= begun - 1)
      }
      #expect(resumed.events.contains { $0.scalars["accuracy/multi_image"] != nil && $0.step == 0 })
      #expect(resumed.events.contains { $0.scalars["accuracy/multi_image"] != nil && $0.step == 1200 })
      #expect(resumed.events.contains { $0.texts["samples"]?.contains("| kind |") == true })
      let done = try String(contentsOf: run.appendingPathComponent("report.html"), encoding: .utf8)
      #expect(!done.contains("This run is not finished") && done.contains("peak memory"))
    }
  }

  @Test func aFolderOfRunsHasAnOverview() throws {
    try BuiltCommand.withFolder { folder in
      let config = try TinyRun.write(to: folder)
      #expect(try BuiltCommand.run("--config", config, "--quiet", in: folder).status == 0)
      let second = ["sft", "--config", config, "--quiet", "--set", "run.output_dir=runs/second"]
      #expect(try BuiltCommand.run(second, in: folder).status == 0)
      let call = try BuiltCommand.run("report", "runs", in: folder)
      #expect(call.status == 0, "\(call.errors)")
      let page = try String(contentsOf: folder.appendingPathComponent("runs/report.html"), encoding: .utf8)
      #expect(page.contains("1 of 2 runs are done"))
      #expect(page.contains("<a href=\"tiny/report.html\">tiny</a>") && page.contains("compose: not begun"))
      let overview = folder.appendingPathComponent("runs/report.html")
      // Somebody else's page stays, of whatever kind; one of an earlier version, without the line, does not.
      let earlier = page.replacing("<meta name=\"generator\" content=\"dpotrain\">\n", with: "")
      for (text, isReport) in [
        ("<!DOCTYPE html>\n<html><head><title>mine</title></head><body>Runs</body></html>\n", false),
        ("my notes about dpotrain", false), (earlier, true), ("", true), (page, true),
        (
          "<html>" + String(repeating: " ", count: 2000) + "<meta name=\"generator\" content=\"dpotrain\">",
          false
        ),
      ] {
        for (run, file) in [
          ("runs", overview), ("runs/second", folder.appendingPathComponent("runs/second/report.html")),
        ] {
          try Data(text.utf8).write(to: file)
          let call = try BuiltCommand.run("report", run, in: folder)
          #expect(call.status == (isReport ? 0 : 1), "\(text.prefix(60)): \(call.errors)")
          #expect(isReport || call.errors.contains("report.html: is there and no report of dpotrain"))
          #expect(try isReport || String(contentsOf: file, encoding: .utf8) == text)
          try FileManager.default.removeItem(at: file)
        }
      }
      // The one that has only its base model.
      #expect(try BuiltCommand.run("report", "runs/second", in: folder).status == 0)
      let partial = try String(
        contentsOf: folder.appendingPathComponent("runs/second/report.html"), encoding: .utf8)
      #expect(partial.contains("compose/records.jsonl (composed prompts): written by the stage compose"))
      #expect(partial.contains("Supervised training of the base model"))
      for (arguments, status, sentence) in [
        (["report", "nowhere"], Int32(1), "nowhere: holds no run"), (["report"], 2, "found no run, expected"),
        (["report", "runs/tiny", "--config", config], 2, "found a run directory beside --config"),
        (["report", "runs/tiny", "--fresh"], 2, "belong to --config"),
      ] {
        let bad = try BuiltCommand.run(arguments, in: folder)
        #expect(bad.status == status && bad.errors.contains(sentence), "\(bad.errors)")
      }
    }
  }
}
