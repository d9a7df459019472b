import Evaluation
import Foundation
import Records
import Reporting

/// A folder of run directories, such as that of an ablation, whatever is done of it.
struct RunFolder {
  private let directory: URL

  init(_ directory: URL) { self.directory = directory }

  /// The runs in a folder or one folder below, by their paths from it.
  static func runs(in directory: URL) -> [String] {
    let files = FileManager.default
    func isRun(_ path: String) -> Bool {
      files.fileExists(atPath: directory.appendingPathComponent(path + "/config.yaml").path)
    }
    func folders(_ path: String) -> [String] {
      ((try? files.contentsOfDirectory(atPath: directory.appendingPathComponent(path).path)) ?? [])
        .filter { !$0.hasPrefix(".") }.sorted().map { path.isEmpty ? $0 : path + "/" + $0 }
    }
    return folders("").flatMap { one in isRun(one) ? [one] : folders(one).filter(isRun) }
  }

  /// The overview: how far each run is, and what it came to.
  var page: OverviewPage {
    get throws {
      let entries = Self.runs(in: directory).map { name in
        let run = directory.appendingPathComponent(name, isDirectory: true)
        var entry = OverviewPage.Entry(name: name)
        do {
          let configuration = try RunConfiguration(contentsOf: run.appendingPathComponent("config.yaml"))
          let stages = try RunProgress.stages(of: configuration, in: run)
          entry.state =
            stages.first { $0.state != .done }.map { "\($0.stage): \($0.words)" } ?? "done"
          entry.isDone = stages.allSatisfy { $0.state == .done }
          let file = run.appendingPathComponent("results.json")
          if FileManager.default.fileExists(atPath: file.path) {
            let results = try EvaluationResult.read(from: file)
            entry.before = results.before.multiImage?.accuracy
            entry.after = results.after?.multiImage?.accuracy
            entry.change = results.multiImageChange
          }
        } catch {
          entry.state = "cannot be read: \(error)"
        }
        entry.hasReport = FileManager.default.fileExists(
          atPath: run.appendingPathComponent("report.html").path)
        return entry
      }
      let tables = ["ablations.md", "ablate.csv", "ablate.json"].filter {
        FileManager.default.fileExists(atPath: directory.appendingPathComponent($0).path)
      }
      return OverviewPage(title: directory.lastPathComponent, entries: entries, files: tables)
    }
  }
}
