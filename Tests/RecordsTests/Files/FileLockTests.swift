import Foundation
import Records
import TestSupport
import Testing

/// A lock on a file that is there for something else.
@Suite struct FileLockTests {
  @Test func aFileWithContentStaysAsItIs() throws {
    let folder = try TemporaryFolder()
    let file = URL(fileURLWithPath: try folder.write("content", to: "file"))
    do {
      let lock = try FileLock(file, directory: "here", isOwnFile: false)
      #expect(throws: RunDirectoryError.locked("here", holder: "")) {
        try FileLock(file, directory: "here", isOwnFile: false)
      }
      withExtendedLifetime(lock) {}
    }
    #expect(try String(contentsOf: file, encoding: .utf8) == "content")
    withExtendedLifetime(try FileLock(file, directory: "here", isOwnFile: false)) {}
  }

  /// Whoever waited for a file that was removed meanwhile holds the one that is there now.
  @Test func aRemovedFileIsMadeAgain() throws {
    let folder = try TemporaryFolder()
    let file = URL(fileURLWithPath: try folder.write("old", to: "file"))
    var calls = 0
    let lock = try FileLock(file, directory: "here", isOwnFile: false) { descriptor in
      calls += 1
      if calls == 1 { unlink(file.path) }
      return flock(descriptor, LOCK_EX | LOCK_NB)
    }
    #expect(calls == 2 && FileManager.default.fileExists(atPath: file.path))
    #expect(throws: RunDirectoryError.self) { try FileLock(file, directory: "here", isOwnFile: false) }
    withExtendedLifetime(lock) {}
  }
}
