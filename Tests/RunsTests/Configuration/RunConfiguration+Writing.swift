import Foundation
import Runs

extension RunConfiguration {
  /// The defaults with another output directory, and what `edit` does to them.
  static func writing(
    to folder: URL, _ edit: (inout RunConfiguration) -> Void = { _ in }
  ) -> RunConfiguration {
    var configuration = RunConfiguration()
    configuration.run.outputDirectory = folder.path
    edit(&configuration)
    return configuration
  }
}
