import Foundation

/// Files in `Tests/Fixtures` and folders for the time of a test.
public enum Fixtures {
  /// The folder `Tests/Fixtures`.
  public static let directory = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Fixtures")

  /// A file or folder in `Tests/Fixtures`, by relative path.
  public static func url(_ path: String) -> URL { directory.appendingPathComponent(path) }

  /// Calls `body` with a new empty folder that is removed afterwards.
  public static func withTemporaryDirectory<Result>(_ body: (URL) throws -> Result) throws -> Result {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent("test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: url) }
    return try body(url)
  }
}

/// A Python with the modules a cross-check needs, if this machine has one.
public enum PeerPython {
  /// What a script printed.
  public struct Output {
    public let status: Int32
    public let text: String
  }

  /// The interpreter: `PEER_PYTHON` from the environment, else `python3`.
  public static var command: String { ProcessInfo.processInfo.environment["PEER_PYTHON"] ?? "python3" }

  /// Whether the interpreter can import these modules.
  public static func has(_ modules: String...) -> Bool {
    (try? run("import \(modules.joined(separator: ", "))"))?.status == 0
  }

  /// Runs a script with arguments and returns all it printed.
  public static func run(_ script: String, _ arguments: [String] = []) throws -> Output {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [command, "-c", script] + arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return Output(status: process.terminationStatus, text: String(decoding: data, as: UTF8.self))
  }
}
