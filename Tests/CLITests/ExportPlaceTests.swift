import Foundation
import TestSupport
import Testing

/// Where `dpotrain export` does not write: what belongs to the model, its adapter or a run.
@Suite struct ExportPlaceTests {
  private let files = FileManager.default

  /// A model, an adapter and a run that has not trained yet, as far as export looks at them.
  private func withPlaces(_ body: (URL) throws -> Void) throws {
    try BuiltCommand.withFolder { folder in
      let golden = Fixtures.url("verification")
      let model = golden.appending(component: "llava_tiny").path
      try files.copyItem(atPath: model, toPath: folder.path + "/model")
      try files.copyItem(atPath: golden.path + "/lora", toPath: folder.path + "/adapter")
      try files.createDirectory(atPath: folder.path + "/runs/x/train", withIntermediateDirectories: true)
      try files.copyItem(atPath: model, toPath: folder.path + "/runs/x/train/model")
      try Data(TinyRun.yaml.utf8).write(to: folder.appending(path: "runs/x/config.yaml"))
      try Data().write(to: folder.appending(path: "runs/x/.lock"))
      try files.createSymbolicLink(atPath: folder.path + "/link", withDestinationPath: "runs/x")
      try files.createSymbolicLink(atPath: folder.path + "/other", withDestinationPath: "model")
      // Somebody's own configuration makes no run of a folder.
      try Data(TinyRun.yaml.utf8).write(to: folder.appending(component: "config.yaml"))
      try body(folder)
    }
  }

  private func names(_ folder: URL) throws -> [String] {
    try files.subpathsOfDirectory(atPath: folder.path).sorted()
  }

  @Test func whatIsReadAndRuns() throws {
    let rows: [(model: String, output: String, says: String)] = [
      ("model", "model", "model is the model"), ("model", "model/gguf", "lies in the model"),
      ("model", "other", "other is the model"), ("model", "other/new/deep", "lies in the model"),
      ("other", "model/gguf", "lies in the model"), ("model", ".", "holds the model"),
      ("model", "adapter/x", "lies in the adapter"), ("model", "adapter", "is the adapter"),
      ("runs/x", "runs/x", "is the run"), ("runs/x", "runs/x/out", "lies in the run"),
      ("runs/x", "link/out", "lies in the run"), ("link", "runs/x/train/new", "lies in the run"),
      ("runs/x", "runs/x/train/model/gguf", "lies in the run"),
      ("runs/x/train/model", "runs/x/o", "the run"),
      ("model", "runs/x/out", "where only the run writes"), ("model", "link/checkpoints/new", "the run"),
      ("runs/x", "runs", "holds the run"),
    ]
    try withPlaces { folder in
      let before = try names(folder)
      for row in rows {
        var arguments = ["export", "--model", row.model, "--format", "gguf", "--output", row.output]
        if row.output.hasPrefix("adapter") { arguments += ["--adapter", "adapter"] }
        let call = try BuiltCommand.run(arguments, in: folder)
        #expect(call.status == 1, "\(row)")
        #expect(call.errors.contains("error: --output: \(row.output) "), "\(row): \(call.errors)")
        #expect(call.errors.contains(row.says), "\(row): \(call.errors)")
        #expect(try names(folder) == before)
      }
      for output in ["out", "runs/out", "models/new", "model2"] {
        let call = try BuiltCommand.run(
          "export", "--model", "runs/x", "--format", "hf", "--output", output, in: folder)
        #expect(call.status == 0, "\(output): \(call.errors)")
      }
    }
  }
}
