import Checkpoint
import Foundation
import Tensor
import TestSupport
import Testing

@Suite struct KilledProcessTests {
  /// A process that saves without pause is killed at some moment; what it left must be whole, and saving must
  /// go on.
  @Test(arguments: [3, 17, 41, 90, 160]) func savingSurvivesKill(milliseconds: Int) async throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("kill-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try CheckpointDirectory(folder).save(state(0), step: 0)

    await #expect(processExitsWith: .signal(SIGKILL)) { [path = folder.path as String, milliseconds] in
      Thread.detachNewThread {
        usleep(UInt32(1000 * milliseconds))
        kill(getpid(), SIGKILL)
      }
      let directory = CheckpointDirectory(URL(fileURLWithPath: path))
      for step in 1... { try directory.save(state(step), step: step) }
    }

    let directory = CheckpointDirectory(folder)
    let newest = try #require(try directory.readNewest())
    #expect(newest.checkpoint.integer("step") == newest.step)
    #expect(Content(newest.checkpoint) == Content(state(newest.step)))
    for step in try directory.steps() {
      #expect(try TrainingCheckpoint(reading: directory.file(step: step)).integer("step") == step)
    }
    try directory.save(state(newest.step + 1), step: newest.step + 1)
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    #expect(!names.contains { AtomicFile.isLeftover($0) })
  }
}

private func state(_ step: Int) -> TrainingCheckpoint {
  TrainingCheckpoint(
    model: [("weight", Tensor.full([300, 300], Double(step))), ("bias", Tensor.ones([7]))],
    progress: ["step": .integer(Int64(step))])
}
