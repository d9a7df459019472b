import Foundation
import Records
import TestSupport
import Testing

/// Where a command writes: names of every kind, and files that are read under another name.
@Suite struct OutputPlaceTests {
  /// A folder with one of each kind.
  private func withKinds(_ body: (TemporaryFolder) throws -> Void) throws {
    let folder = try TemporaryFolder()
    try folder.write("content", to: "inner/file.txt")
    let files = FileManager.default
    #expect(mkfifo(folder.path + "/pipe", 0o600) == 0)
    try files.createSymbolicLink(atPath: folder.path + "/broken", withDestinationPath: "gone")
    try files.createSymbolicLink(atPath: folder.path + "/circle", withDestinationPath: "circle")
    try files.createSymbolicLink(atPath: folder.path + "/soft", withDestinationPath: "inner/file.txt")
    try files.createSymbolicLink(atPath: folder.path + "/other", withDestinationPath: "inner")
    try files.linkItem(atPath: folder.path + "/inner/file.txt", toPath: folder.path + "/hard")
    try body(folder)
  }

  @Test func files() throws {
    try withKinds { folder in
      for (name, says) in [
        ("new.txt", ""), ("inner/file.txt", ""), ("soft", ""), ("other/new.txt", ""),
        ("pipe", "found a pipe"),
        ("inner", "found a folder"), ("other", "found a folder"),
        ("broken", "found a link to gone, which is"),
        ("circle", "found a link to circle"), ("none/new.txt", "found no folder"),
        ("inner/file.txt/x", "found no folder"), ("broken/x", "found no folder"),
      ] {
        let words = message { try OutputPlace.requireFile(folder.path + "/" + name, option: "--output") }
        #expect(words.isEmpty == says.isEmpty && (says.isEmpty || words.contains(says)), "\(name): \(words)")
        #expect(words.isEmpty || words.hasPrefix("--output: "), "\(words)")
      }
      #expect(
        message { try OutputPlace.requireFile("/dev/null", option: "--csv") }.contains("found a device"))
      let ending = message { try OutputPlace.requireFile("a.txt", option: "--csv", endings: ["csv", "tsv"]) }
      #expect(ending == "--csv: found a.txt, expected a name that ends with .csv or .tsv")
    }
  }

  @Test func filesThatAreRead() throws {
    try withKinds { folder in
      for (output, input) in [
        ("inner/file.txt", "inner/file.txt"), ("soft", "inner/file.txt"), ("hard", "inner/file.txt"),
        ("inner/file.txt", "hard"), ("inner/file.txt", "soft"), ("other/file.txt", "inner/file.txt"),
        ("inner/../hard", "other/file.txt"), ("inner//./file.txt", "soft"),
      ] {
        let words = message {
          try OutputPlace.requireFile(
            folder.path + "/" + output, option: "--output",
            inputs: [folder.path + "/pipe", folder.path + "/none", folder.path + "/" + input])
        }
        #expect(words.contains("\(output) is read by this command"), "\(output) \(input): \(words)")
      }
    }
  }

  @Test func folders() throws {
    try withKinds { folder in
      for (name, says) in [
        ("new", ""), ("new/deep/er", ""), ("inner", ""), ("other/new", ""), ("pipe", "found a pipe"),
        ("soft", "found a file"), ("hard", "found a file"), ("broken", "found a link to gone"),
        ("hard/new", "found a file at"), ("broken/new", "found a link to gone, which is not there at"),
        ("pipe/a/b", "found a pipe at"),
      ] {
        let words = message { try OutputPlace.requireFolder(folder.path + "/" + name, option: "--output") }
        #expect(words.isEmpty == says.isEmpty && (says.isEmpty || words.contains(says)), "\(name): \(words)")
        #expect(words.isEmpty || words.hasPrefix("--output: \(folder.path)/\(name): "), "\(words)")
      }
    }
  }

  @Test func placesInFolders() throws {
    try withKinds { folder in
      let inner = FileIdentity(folder.path + "/inner")
      for (name, isInside) in [
        ("inner", true), ("other", true), ("other/new/er", true), ("inner/file.txt", true), ("soft", true),
        ("hard", false), ("", false), ("inner2", false), ("inner/../x", false), ("/", false),
      ] {
        #expect(inner.holds(name == "/" ? name : folder.path + "/" + name) == isInside, "\(name)")
      }
      #expect(FileIdentity(folder.path + "/other/new") == FileIdentity(folder.path + "/inner/new"))
      #expect(FileIdentity(folder.path + "/inner/new") != FileIdentity(folder.path + "/inner/newer"))
    }
  }
}
