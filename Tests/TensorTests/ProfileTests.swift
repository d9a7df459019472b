import Foundation
import Tensor
import Testing

/// The recordings of a process come one after the other.
@Suite(.serialized) struct ProfileTests {
  struct Event {
    let name, category: String
    let lane: Int
    let start, duration: Double
    let arguments: [String: Any]
    var end: Double { start + duration }
  }

  /// The events of a file that is JSON, in any case once its last bracket is there.
  private func events(_ text: String) throws -> [Event] {
    let rows = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [[String: Any]])
    return try rows.filter { $0["ph"] as? String == "X" }.map { row in
      Event(
        name: try #require(row["name"] as? String), category: try #require(row["cat"] as? String),
        lane: try #require(row["tid"] as? Int), start: try #require(row["ts"] as? Double),
        duration: try #require(row["dur"] as? Double), arguments: row["args"] as? [String: Any] ?? [:])
    }
  }

  private func withFile<Result>(_ body: (String) throws -> Result) throws -> Result {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("profile-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try body(folder.appendingPathComponent("trace.json").path)
  }

  @Test func operationsHaveShapesBytesAndPhases() throws {
    try withFile { path in
      try Profile.start(writingTo: path)
      #expect(Profile.isRecording)
      // Sizes that no other test has: they run beside this one.
      let x = Tensor.ones([37, 41]).requiringGradient()
      let y = Tensor.ones([41, 43])
      let loss = Profile.phase("the \"forward\" pass") { matmul(x, y).softmax(axis: 1).sum() }
      let gradients = Profile.phase("backward") { loss.backward() }
      let summary = try #require(try Profile.stop())
      #expect(gradients[x]?.shape == [37, 41])
      #expect(!Profile.isRecording && summary.omitted == 0)

      let all = try events(try String(contentsOfFile: path, encoding: .utf8))
      #expect(all.count { $0.category == "operation" } == summary.operations)
      let forward = try #require(all.first { $0.name == "the \"forward\" pass" })
      let backward = try #require(all.first { $0.name == "backward" && $0.lane == forward.lane })
      let product = try #require(
        all.first { $0.name == "matmul" && $0.arguments["shape"] as? String == "[37, 43]" })
      #expect(product.arguments["inputs"] as? String == "[37, 41] [41, 43]")
      #expect(product.arguments["type"] as? String == "float32")
      #expect(product.arguments["bytes"] as? Int == 37 * 43 * 4)
      let derivative = try #require(all.first { $0.name == "matmul gradient" && $0.lane == forward.lane })
      let inner = try #require(
        all.first { $0.arguments["shape"] as? String == "[37, 41]" && $0.start >= derivative.start })
      for (part, whole) in [(product, forward), (derivative, backward), (inner, derivative)] {
        #expect(part.lane == whole.lane)
        #expect(part.start >= whole.start && part.end <= whole.end + 0.0015, "\(part.name) in \(whole.name)")
      }
      // On one thread nothing runs beside anything else but what it lies within.
      let own = all.filter { $0.lane == forward.lane && $0.category == "operation" }
        .sorted { $0.start < $1.start }
      for (one, next) in zip(own, own.dropFirst()) { #expect(one.end <= next.start + 0.0015) }
    }
  }

  @Test func otherThreadsHaveLinesOfTheirOwn() throws {
    guard Threads.count > 1 else { return }
    try withFile { path in
      try Profile.start(writingTo: path)
      let x = Tensor.ones([1031, 1033])
      for _ in 0..<20 { _ = x.exp() }
      try Profile.stop()
      let all = try events(try String(contentsOfFile: path, encoding: .utf8))
      let operations = all.filter { $0.arguments["shape"] as? String == "[1031, 1033]" && $0.name == "exp" }
      #expect(operations.count == 20)
      for share in all where share.category == "share" && share.name == "exp" {
        #expect(operations.contains { $0.lane != share.lane })
      }
    }
  }

  @Test func afterTheLimitPhasesAlone() throws {
    try withFile { path in
      try Profile.start(writingTo: path, limit: 5)
      for number in 0..<4 { Profile.phase("part \(number)") { for _ in 0..<9 { _ = Tensor.ones([3]) + 1 } } }
      let summary = try #require(try Profile.stop())
      #expect(summary.operations == 5 && summary.omitted >= 4 * 9)
      let all = try events(try String(contentsOfFile: path, encoding: .utf8))
      #expect(all.count { $0.category == "operation" } == 5)
      #expect((0..<4).allSatisfy { number in all.contains { $0.name == "part \(number)" } })
      #expect(all.contains { $0.name == "\(summary.omitted) operations after the first 5 are left out" })
    }
  }

  @Test func aFileThatWasCutOffIsWholeButForABracket() throws {
    try withFile { path in
      try Profile.start(writingTo: path)
      // More than fits the buffer, so that some of it is on disk.
      for _ in 0..<2000 { _ = Tensor.ones([2]) * 3 }
      let begun = try String(contentsOfFile: path, encoding: .utf8)
      try Profile.stop()
      let lines = begun.split(separator: "\n").map(String.init)
      #expect(lines.count > 100 && lines[0] == "[")
      var whole = lines.dropLast().joined(separator: "\n")
      while whole.hasSuffix(",") { whole.removeLast() }
      #expect(try events(whole + "]").count > 100)
    }
  }

  @Test func oneRecordingAtATimeAndErrorsNameTheFile() throws {
    try withFile { path in
      #expect(try Profile.stop() == nil)
      try Profile.start(writingTo: path)
      let second = #expect(throws: TensorError.self) { try Profile.start(writingTo: path + "2") }
      #expect(second.map { "\($0)".contains("a recording is made already, of \(path)") } == true)
      #expect(!FileManager.default.fileExists(atPath: path + "2"))
      try Profile.stop()
      let nowhere = #expect(throws: TensorError.self) { try Profile.start(writingTo: path + "/no/file.json") }
      #expect(nowhere.map { "\($0)".contains("/no/file.json: Not a directory") } == true)
      #expect(!Profile.isRecording)
    }
    try Profile.start(writingTo: "/dev/full")
    for _ in 0..<100 { _ = Tensor.ones([2]) * 3 }
    let full = #expect(throws: TensorError.self) { try Profile.stop() }
    #expect(full.map { "\($0)".contains("/dev/full: is not complete: No space left on device") } == true)
    #expect(try Profile.stop() == nil)
  }
}
