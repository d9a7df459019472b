import Foundation
import LVLM
import MultiImageData
import Records
import Runs
import TestSupport
import Testing

/// What a run reads outside its directory has to stay what it was when the run began.
@Suite struct OutsideFilesTests {
  struct Change: CustomTestStringConvertible, Sendable {
    var testDescription: String
    /// What the error says was found; nil where there is none.
    var found: String?
    var make: @Sendable (URL) throws -> Void
  }

  static let changes = [
    Change(testDescription: "nothing", found: nil) { _ in },
    Change(testDescription: "another time", found: nil) { url in
      let time = [FileAttributeKey.modificationDate: Date(timeIntervalSince1970: 1)]
      try FileManager.default.setAttributes(time, ofItemAtPath: url.path)
    },
    Change(testDescription: "a byte", found: "another content") { url in
      try Data("model of bytez".utf8).write(to: url)
    },
    Change(testDescription: "another file in its place", found: "another content") { url in
      try Data("another length".utf8).dropLast().write(to: url, options: .atomic)
    },
    Change(testDescription: "its end gone", found: "another content") { url in
      try FileHandle(forWritingTo: url).truncate(atOffset: 3)
    },
    Change(testDescription: "no file", found: "no file") { try FileManager.default.removeItem(at: $0) },
    Change(testDescription: "a folder", found: "no file") { url in
      try FileManager.default.removeItem(at: url)
      try FileManager.default.createDirectory(at: url, withIntermediateDirectories: false)
    },
  ]

  @Test(arguments: changes) func aFileChangesWhileARunReadsIt(_ change: Change) throws {
    try Fixtures.withTemporaryDirectory { folder in
      let model = folder.appendingPathComponent("model")
      try FileManager.default.createDirectory(at: model, withIntermediateDirectories: false)
      let file = model.appendingPathComponent("model.safetensors")
      try Data("model of bytes".utf8).write(to: file)
      var configuration = RunConfiguration()
      let source = try configuration.questionSource()
      configuration.model.path = model.path
      let files = OutsideFiles(configuration, source: source)
      let start = files.atStart()
      _ = files.digests(remembering: folder)
      try change.make(file)
      func looks(_ look: () throws -> Void) {
        do {
          try look()
          #expect(change.found == nil)
        } catch {
          let words = "\(error)"
          #expect(words.hasPrefix(file.path + ": found "), "\(words)")
          #expect(change.found.map(words.contains) ?? false, "\(words)")
        }
      }
      looks { try start.requireUnchanged(file.path) }
      looks { try start.requireUnchangedModel() }
      try start.requireUnchanged(folder.appendingPathComponent("elsewhere").path)
    }
  }
}
