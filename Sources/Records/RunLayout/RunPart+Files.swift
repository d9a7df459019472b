import Foundation

/// Which files of a run a part consists of, and the list of their checksums.
extension RunPart {
  /// The name of its record, relative to the run.
  package var recordName: String {
    "\(stage.rawValue)/" + (self == RunPart(stage) ? "done.json" : "\(rawValue).done.json")
  }

  /// The name of the list of its files, relative to the run.
  package var listName: String { "\(stage.rawValue)/\(rawValue).sfv" }

  /// The files and folders it writes, relative to the run.
  private var places: [String] {
    switch self {
    case .sft: ["sft"]
    case .compose: ["compose"]
    case .answers: ["select/answers.jsonl"]
    case .select: ["select", "pairs.jsonl"]
    case .train: ["train"]
    case .questions: ["evaluate/questions"]
    case .before: ["evaluate/before.jsonl"]
    case .evaluate: ["evaluate/after.jsonl", "results.json"]
    case .report: ["report.html"]
    }
  }

  /// Whether a path of the run lies where the part writes.
  func mayHave(_ path: String) -> Bool { places.contains { path == $0 || path.hasPrefix($0 + "/") } }

  /// Files in its folders that are not its own: another part's, or caches that know themselves what they
  /// depend on.
  private var exceptions: [String] {
    switch self {
    case .select: ["select/answers.jsonl"]
    case .train: caches
    default: []
    }
  }

  /// Caches that are worth taking along with the part.
  package var caches: [String] {
    guard self == .train else { return [] }
    return ["", "-corrupted", "-held-out"].map { "train/reference\($0).h5" }
  }

  /// Its files in a run, relative to it, without checkpoints, records, lists and unfinished ones.
  package func files(in run: URL) -> [String] {
    var found: [String] = []
    func visit(_ path: String) {
      let name = (path as NSString).lastPathComponent
      let isOwn =
        !name.hasPrefix(".") && !name.hasSuffix(".partial") && !name.hasSuffix("done.json")
        && !exceptions.contains(path) && !RunPart.allCases.contains { $0.listName == path }
      var isFolder: ObjCBool = false
      guard isOwn,
        FileManager.default.fileExists(atPath: run.appendingPathComponent(path).path, isDirectory: &isFolder)
      else { return }
      guard isFolder.boolValue else {
        found.append(path)
        return
      }
      guard path != "sft/checkpoints" else { return }
      for name
        in (try? FileManager.default.contentsOfDirectory(atPath: run.appendingPathComponent(path).path)) ?? []
      {
        visit("\(path)/\(name)")
      }
    }
    places.forEach(visit)
    return found.sorted()
  }

  /// A path of the run as its list has it: relative to the stage's folder.
  package func listed(_ path: String) -> String {
    path.hasPrefix(stage.rawValue + "/")
      ? String(path.dropFirst(stage.rawValue.utf8.count + 1)) : "../" + path
  }

  /// The reverse of ``listed(_:)``.
  package func unlisted(_ path: String) -> String {
    path.hasPrefix("../") ? String(path.dropFirst(3)) : "\(stage.rawValue)/\(path)"
  }

  /// The folder that its list is relative to.
  package func folder(in run: URL) -> URL { run.appendingPathComponent(stage.rawValue, isDirectory: true) }
}
