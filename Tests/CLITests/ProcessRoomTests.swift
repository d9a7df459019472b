import Foundation
import Testing

/// Limits of the process that leave no room to begin with are told, before anything is read or written.
@Suite struct ProcessRoomTests {
  @Test(arguments: [
    ("-n 5", "found a limit of 5 open files (ulimit -n), expected at least 12"),
    ("-n 8", "found a limit of 8 open files (ulimit -n), expected at least 12"),
    ("-n 11", "found a limit of 11 open files (ulimit -n), expected at least 12"),
    ("-d 40960", "found a limit of 40 MiB of memory (ulimit -d), expected at least "),
    ("-d 102400", "found a limit of 100 MiB of memory (ulimit -d), expected at least "),
  ])
  func aLimitIsToldInWords(limit: String, words: String) throws {
    try BuiltCommand.withFolder { folder in
      let config = try TinyRun.write(to: folder)
      for arguments in [["--version"], ["--config", config]] {
        let call = try BuiltCommand.run(arguments, in: folder, limit: limit)
        #expect(call.status == 1)
        #expect(call.errors.hasPrefix("error: " + words), "\(call.errors)")
        #expect(call.errors.split(separator: "\n").count == 1 && call.output.isEmpty)
      }
      #expect(!FileManager.default.fileExists(atPath: folder.appendingPathComponent("runs").path))
    }
  }

  @Test func twelveOpenFilesAreEnough() throws {
    let call = try BuiltCommand.run(["--version"], limit: "-n 12")
    #expect(call.status == 0 && call.errors.isEmpty, "\(call.errors)")
  }
}
