import DPOTrain
import Evaluation
import Foundation
import Records
import Reporting
import Runs
import Testing

@Suite("Report")
struct ReportTests {
  /// A directory for a test; a given path is kept, to look at the report.
  private func withDirectory(_ body: (URL) throws -> Void) throws {
    if let kept = ProcessInfo.processInfo.environment["REPORT_FIXTURE_DIRECTORY"] {
      return try body(URL(fileURLWithPath: kept))
    }
    let directory = FileManager.default.temporaryDirectory.appending(path: "report-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: directory) }
    try body(directory)
  }

  @Test("A whole run: every part is there, nothing is loaded from elsewhere, and the bytes repeat")
  func wholeRun() throws {
    try withDirectory { directory in
      let fixture = try RunFixture(in: directory)
      try ReportStage.writeReport(runDirectory: directory)
      let html = try String(contentsOf: fixture.file("report.html"), encoding: .utf8)
      try ReportStage.writeReport(runDirectory: directory)
      #expect(try String(contentsOf: fixture.file("report.html"), encoding: .utf8) == html)
      for title in [
        "The idea", "Before and after", "Training", "Selection of pairs", "Attention maps",
        "Composed prompts",
        "Rejected answers that are really wrong", "<td>81.2 %</td><td>50.0 %</td><td>–</td>",
        "Grid collage, 9 images</th><td>2</td><td>0</td><td>–</td><td>25.0 %</td>",
        "Answers that changed", "Configuration", "Reward accuracy", "Accuracy by number of images",
      ] {
        #expect(html.contains(title), "\(title)")
      }
      #expect(!html.contains("Not in this report"))
      #expect(html.contains("data:image/png;base64,"))
      #expect(html.contains("&lt;b&gt; &amp; &#39;quotes&#39;"))
      #expect(!html.contains("<green>"))
      for outside in ["<script", "http://", "https://", "<link", "@import", "url("] {
        #expect(!html.contains(outside), "\(outside)")
      }
    }
  }

  @Test("Every tag that is opened is closed, in order")
  func wellFormed() throws {
    try withDirectory { directory in
      let fixture = try RunFixture(in: directory)
      try ReportStage.writeReport(runDirectory: directory)
      let html = try String(contentsOf: fixture.file("report.html"), encoding: .utf8)
      let empty: Set<String> = ["meta", "br", "!DOCTYPE"]
      var open: [String] = []
      for piece in html.split(separator: "<").dropFirst() {
        let end = try #require(piece.firstIndex(of: ">"), "unclosed tag at \(piece.prefix(40))")
        let tag = piece[..<end]
        let name = String(tag.prefix { !$0.isWhitespace && $0 != "/" })
        if tag.hasPrefix("/") {
          #expect(open.popLast() == String(tag.dropFirst()), "\(tag)")
        } else if !tag.hasSuffix("/"), !empty.contains(name) {
          open.append(name)
        }
      }
      #expect(open.isEmpty)
    }
  }

  @Test("A run that has only begun: the report says what is not there")
  func emptyRun() throws {
    try withDirectory { directory in
      let empty = directory.appending(path: "empty")
      try FileManager.default.createDirectory(at: empty, withIntermediateDirectories: true)
      try ReportStage.writeReport(runDirectory: empty)
      let html = try String(contentsOf: empty.appending(path: "report.html"), encoding: .utf8)
      for name in ["results.json", "metrics.jsonl", "select/candidates.jsonl", "compose/records.jsonl"] {
        #expect(html.contains("<li>\(name)"), "\(name)")
      }
    }
  }

  @Test("A broken file is an error that names it, and the old report stays")
  func brokenFile() throws {
    try withDirectory { directory in
      let run = directory.appending(path: "broken")
      try FileManager.default.createDirectory(at: run, withIntermediateDirectories: true)
      try Data("{\"stage\":\n".utf8).write(to: run.appending(path: "metrics.jsonl"))
      try Data("old".utf8).write(to: run.appending(path: "report.html"))
      let error = try #require(throws: RowFileError.self) { try ReportStage.writeReport(runDirectory: run) }
      #expect(error.file.hasSuffix("metrics.jsonl"))
      #expect(error.line == 1)
      #expect(try String(contentsOf: run.appending(path: "report.html"), encoding: .utf8) == "old")
    }
  }

  @Test("A last line that is being written is left out and told")
  func growingLog() throws {
    try withDirectory { directory in
      let run = directory.appending(path: "growing")
      try FileManager.default.createDirectory(at: run, withIntermediateDirectories: true)
      let rows = [1, 2].map { MetricRow(stage: "sft", step: $0, values: ["loss": 1 / Double($0)]) }
      let text = rows.map(\.jsonLine).joined()
      for cut in 1..<rows[1].jsonLine.utf8.count {
        try Data(text.utf8.dropLast(cut)).write(to: run.appending(path: "metrics.jsonl"))
        let content = try ReportStage.content(runDirectory: run)
        // Without its line feed alone the row is whole.
        #expect(content.metrics == (cut == 1 ? rows : Array(rows.prefix(1))), "\(cut)")
        #expect(content.missing.contains { $0.hasPrefix("metrics.jsonl, last line") } == (cut > 1), "\(cut)")
      }
    }
  }

  @Test("Verdict, contents, pictures beside answers, colour by intervals")
  func verdict() throws {
    try withDirectory { directory in
      let fixture = try RunFixture(in: directory)
      let html = ReportPage(try ReportStage.content(runDirectory: directory)).html
      let results = try EvaluationResult.read(from: fixture.file("results.json"))
      #expect(results.verdict.count >= 2)
      for sentence in results.verdict { #expect(html.contains(sentence), "\(sentence)") }
      #expect(html.contains("<a href=\"#before-and-after\">Before and after</a>"))
      #expect(html.contains("<section id=\"before-and-after\">"))
      #expect(html.contains("× even") && html.contains("by picture, %: "))
      #expect(html.contains("<a href=\"metrics.jsonl\">metrics.jsonl</a>"))
      #expect(html.contains("of which 8 are shown"))
    }
  }

  @Test("Selection counts add up by format")
  func selectionCounts() throws {
    try withDirectory { directory in
      let fixture = try RunFixture(in: directory)
      let rows = try RowFile.read(CandidateRow.self, from: fixture.file("select/candidates.jsonl"))
      let table = SelectionCount.table(rows)
      #expect(table.map(\.candidates) == Array(repeating: 120, count: 10))
      #expect(table.map(\.count) == [2, 3, 4, 5, 2, 3, 4, 6, 9, 2])
      #expect(table.compactMap { $0.outcomes[.kept] }.reduce(0, +) == rows.count(where: \.kept))
      #expect(table[0].threshold == 0.7)
    }
  }
}
