import Checkpoint
import Foundation
import Records

extension ModelChoice {
  /// Refuses a folder to write that belongs to the model, to its adapter or to a run: what lies there is
  /// theirs, and a run replaces what it finds under its own names.
  ///
  /// - Parameter option: what names the folder, for messages.
  /// - Throws: `DataError` that begins with the option.
  package func requireElsewhere(_ target: String, option: String) throws(DataError) {
    if let run, Self.isRun(run.path) { try Self.requireApart(target, run.path, "the run", option) }
    for (place, what) in [(model, "the model"), (adapter, "the adapter")] {
      guard let place, FileKind(place.path) == .folder else { continue }
      try Self.requireApart(target, place.path, what, option)
    }
    for file in [model, adapter].compactMap(\.self) where FileKind(file.path) == .file {
      guard FileIdentity(target) == FileIdentity(FilePath.folder(of: FilePath.absolute(file.path))) else {
        continue
      }
      throw DataError(
        file: option, problem: "\(target) holds \(file.path), which is read; \(Self.expected)")
    }
    var place = FileIdentity.resolved(target)
    while place.count > 1 {
      if Self.isRun(place) {
        throw DataError(
          file: option,
          problem: "\(target) lies in the run \(place), where only the run writes; \(Self.expected)")
      }
      place = FilePath.folder(of: place)
    }
  }

  private static let expected = "expected a folder elsewhere"

  private static func requireApart(
    _ target: String, _ place: String, _ what: String, _ option: String
  ) throws(DataError) {
    let words =
      if FileIdentity(target) == FileIdentity(place) {
        "is"
      } else if FileIdentity(place).holds(target) {
        "lies in"
      } else if FileIdentity(target).holds(place) {
        "holds"
      } else {
        ""
      }
    guard words.isEmpty else {
      throw DataError(
        file: option, problem: "\(target) \(words) \(what) \(place), which is read; \(expected)")
    }
  }

  /// Whether a run made this folder; a `config.yaml` alone may be anybody's.
  private static func isRun(_ folder: String) -> Bool {
    func has(_ name: String) -> Bool { FileKind(FilePath.join(folder, name)) == .file }
    return has("config.yaml") && (has("config.sfv") || has(".lock"))
  }
}
