import Foundation

/// What a call of an executable that was built beside these tests gave.
struct BuiltCommand {
  var status: Int32
  var output: String
  var errors: String

  /// Runs `dpotrain` with arguments, without a terminal.
  static func run(
    _ arguments: String..., in directory: URL? = nil, environment: [String: String] = [:]
  ) throws -> BuiltCommand {
    try run(arguments, in: directory, environment: environment)
  }

  /// Runs an executable of the package with arguments, without a terminal.
  /// - Parameters:
  ///   - input: what it reads on standard input, no more than fits a pipe.
  ///   - fileSizeLimit: Bytes after which writing a file fails, in steps of 512.
  ///   - limit: A limit of the process as words for `ulimit`, such as `-n 8`.
  static func run(
    _ arguments: [String], of product: String = "dpotrain", in directory: URL? = nil,
    environment: [String: String] = [:], input: String? = nil, fileSizeLimit: Int? = nil,
    limit: String? = nil
  ) throws -> BuiltCommand {
    let executable = executable(product)
    let process = Process()
    if let limit = limit ?? fileSizeLimit.map({ "-f \($0 / 512)" }) {
      process.executableURL = URL(fileURLWithPath: "/bin/sh")
      let script = "trap '' XFSZ; ulimit \(limit); exec \"$@\""
      process.arguments = ["-c", script, "sh", executable.path] + arguments
    } else {
      process.executableURL = executable
      process.arguments = arguments
    }
    process.currentDirectoryURL = directory
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    let (output, errors) = (Pipe(), Pipe())
    process.standardOutput = output
    process.standardError = errors
    process.standardInput = FileHandle.nullDevice
    if let input {
      let pipe = Pipe()
      try pipe.fileHandleForWriting.write(contentsOf: Data(input.utf8))
      try pipe.fileHandleForWriting.close()
      process.standardInput = pipe
    }
    try process.run()
    // Both pipes are small here; help and errors fit their buffers.
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    let problems = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return BuiltCommand(status: process.terminationStatus, output: text, errors: problems)
  }

  /// Starts `dpotrain` and gives its process and standard error.
  static func start(_ arguments: [String], in directory: URL) throws -> (Process, Pipe) {
    let process = Process()
    process.executableURL = executable("dpotrain")
    process.arguments = arguments
    process.currentDirectoryURL = directory
    let errors = Pipe()
    process.standardOutput = FileHandle.nullDevice
    process.standardError = errors
    process.standardInput = FileHandle.nullDevice
    try process.run()
    return (process, errors)
  }

  /// A new folder that is removed afterwards.
  static func withFolder(_ body: (URL) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("cli-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try body(folder)
  }

  static let packageRoot = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  private static func executable(_ name: String) -> URL {
    // The test runner is in the same folder as the products, or is started from it.
    let runner = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
    let folders = [
      runner, Bundle.main.bundleURL, packageRoot.appendingPathComponent(".build/release"),
      packageRoot.appendingPathComponent(".build/debug"),
    ]
    return folders.map { $0.appendingPathComponent(name) }
      .first { FileManager.default.isExecutableFile(atPath: $0.path) }
      ?? runner.appendingPathComponent(name)
  }
}
