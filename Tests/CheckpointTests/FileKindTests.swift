import Checkpoint
import Foundation
import TestSupport
import Testing

/// What is no regular file is neither written nor waited for.
@Suite struct FileKindTests {
  @Test func onlyFilesAreWritten() throws {
    let folder = try TemporaryFolder()
    let files = FileManager.default
    #expect(mkfifo(folder.path + "/pipe", 0o600) == 0)
    try files.createDirectory(atPath: folder.path + "/folder", withIntermediateDirectories: true)
    try files.createSymbolicLink(atPath: folder.path + "/link", withDestinationPath: "pipe")
    for (path, kind) in [
      (folder.path + "/pipe", FileKind.special("a pipe")), (folder.path + "/folder", .folder),
      (folder.path + "/link", .special("a pipe")), ("/dev/null", .special("a device")),
    ] {
      #expect(FileKind(path) == kind, "\(path)")
      let url = URL(fileURLWithPath: path)
      for words in [
        message { try AtomicFile.write("x".utf8, to: url) },
        message { try AtomicFile.replace(url) { _ in Issue.record("\(path) was begun") } },
        message { try AtomicFile.replaceAll([url]) { _, _ in Issue.record("\(path) was begun") } },
        message { _ = try OutputFile(url, reportingAs: url) },
        message { _ = try OutputFile(url, reportingAs: url, isAppending: true) },
      ] {
        #expect(words == "\(path): cannot write: \(kind.words), expected a regular file")
      }
      #expect(message { _ = try StoredBytes.read(url) }.contains("no regular file"))
      #expect(message { _ = try StoredBytes.checksum(of: url) }.contains("no regular file"))
      #expect(FileKind(path) == kind)
    }
    #expect(try files.contentsOfDirectory(atPath: folder.path).sorted() == ["folder", "link", "pipe"])
  }

  @Test func namesThatAreNotThere() throws {
    let folder = try TemporaryFolder()
    try FileManager.default.createSymbolicLink(
      atPath: folder.path + "/broken", withDestinationPath: "gone")
    #expect(FileKind(folder.path + "/broken") == .brokenLink(to: "gone"))
    #expect(FileKind(folder.path + "/none") == .nothing)
    #expect(FileKind(folder.path + "/none/deeper") == .nothing)
    #expect(FileKind(try folder.write("x", to: "file")) == .file)
  }
}
