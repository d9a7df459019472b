/// Why a run directory cannot be used.
public enum RunDirectoryError: Error, Equatable, CustomStringConvertible {
  /// The directory cannot be made.
  case cannotCreate(String, String)
  /// The directory holds other files.
  case notARun(String, String)
  /// Another process works in the directory.
  case locked(String, holder: String)
  /// A stage that is needed is not done, or not with these settings.
  case missingStage(Stage, neededBy: Stage, String, because: String? = nil)
  /// A file is not what the part that wrote it left.
  case damaged(String, part: RunPart, found: String, expected: String)
  /// The record of a part is not what was written.
  case damagedRecord(String, found: String, expected: String)
  /// No part has this file.
  case notAPartsFile(String)

  /// One sentence with a way out.
  public var description: String {
    switch self {
    case .cannotCreate(let path, let reason):
      "\(path): cannot be made (\(reason)); choose another run.output_dir"
    case .notARun(let path, let name):
      "\(path): found \(name) and no config.yaml, expected an empty directory or a run; "
        + "choose another with --set run.output_dir=DIR"
    case .locked(let path, let holder):
      "\(path): another process\(holder) is working here; wait for it or use --set run.output_dir=DIR"
    case .missingStage(let stage, let needing, let path, let reason):
      "\(path): \(needing.rawValue) needs the files of \(stage.rawValue), which is not done"
        + (reason.map { " with these settings (\($0))" } ?? "")
        + "; run dpotrain \(stage.rawValue) with this configuration first, or dpotrain for all stages"
    case .damaged(let file, let part, let found, let expected):
      "\(file): found \(found), expected \(expected); --redo \(part.rawValue) makes it again, "
        + "--accept \(file) takes a change over that is meant"
    case .damagedRecord(let file, let found, let expected):
      "\(file): found \(found), expected \(expected); remove it to have its part made again"
    case .notAPartsFile(let path):
      "--accept \(path): no part of the run has left a file of that name with a checksum"
    }
  }
}
