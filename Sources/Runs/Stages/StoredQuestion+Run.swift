import Foundation
import MultiImageData

extension StoredQuestion {
  /// The composed prompts of a run, then its single images; paths as written in pairs, relative to the run
  /// directory or absolute.
  static func candidates(ofRun directory: URL) throws -> [StoredQuestion] {
    let found = try Files(composed: ComposeStage.records, single: ComposeStage.single).read(
      directory.appendingPathComponent("compose", isDirectory: true)
    ) { "compose/" + $0 }
    return found.composed + found.single
  }
}
