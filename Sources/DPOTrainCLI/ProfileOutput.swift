import Foundation
import Records
import Runs
import Tensor

/// The file of `--profile`, from before a run to its end.
struct ProfileOutput {
  private let path: String

  /// Begins it.
  /// - Throws: where no file can be written, where the run has its own files, and for files it reads.
  init(_ path: String, besides configuration: RunConfiguration) throws {
    let (data, model) = (configuration.data, configuration.model)
    let inputs = [data.path, data.pairs, data.evalPairs, data.names, model.path].compactMap { $0 }
    try OutputPlace.requireFile(path, option: "--profile", endings: ["json"], inputs: inputs)
    func place(_ path: String) -> String {
      URL(fileURLWithPath: path).standardizedFileURL.resolvingSymlinksInPath().path
    }
    let run = place(configuration.run.outputDirectory)
    guard !(place((path as NSString).deletingLastPathComponent) + "/").hasPrefix(run + "/") else {
      throw DataError(
        file: "--profile", problem: "\(path) is in the run's own folder, expected a place outside of it")
    }
    try Profile.start(writingTo: path)
    self.path = path
  }

  /// Completes it, and says what is in it.
  func finish(_ console: Console) throws {
    guard let summary = try Profile.stop() else { return }
    console.message("profile: \(path), \(summary.operations) operations")
    if summary.omitted > 0 {
      console.warning(
        "profile: \(summary.omitted) operations after the first \(summary.operations) are left out; stages "
          + "and phases are there to the end")
    }
  }
}
