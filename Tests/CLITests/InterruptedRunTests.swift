import Foundation
import Testing

@Suite struct InterruptedRunTests {
  /// Waits until a run has logged steps of a stage, and sends a signal.
  private func stop(_ process: Process, in run: URL, at stage: String, with signal: Int32) throws {
    let metrics = run.appendingPathComponent("metrics.jsonl")
    for _ in 0..<20_000 {
      if !process.isRunning { break }
      let text = (try? String(contentsOf: metrics, encoding: .utf8)) ?? ""
      if text.contains("\"stage\": \"\(stage)\"") { break }
      usleep(2000)
    }
    kill(process.processIdentifier, signal)
    process.waitUntilExit()
  }

  @Test(arguments: [(SIGINT, Int32(130)), (SIGTERM, Int32(143))])
  func aSignalLeavesACheckpointAndSaysHowToGoOn(_ signal: Int32, _ status: Int32) throws {
    try BuiltCommand.withFolder { folder in
      let config = try TinyRun.write(to: folder)
      let arguments = ["--config", config, "--set", "sft.max_steps=4000", "--set", "sft.save_steps=4000"]
      let (process, errors) = try BuiltCommand.start(arguments, in: folder)
      try stop(process, in: folder.appendingPathComponent("runs/tiny"), at: "sft", with: signal)
      let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      #expect(process.terminationReason == .exit)
      #expect(process.terminationStatus == status)
      #expect(text.contains("stopped at "))
      #expect(text.contains("continue with: "))
      #expect(text.contains("--set sft.max_steps=4000"))
      let checkpoints = folder.appendingPathComponent("runs/tiny")
      let files = FileManager.default.enumerator(atPath: checkpoints.path)?.compactMap { $0 as? String } ?? []
      #expect(files.contains { $0.hasSuffix(".h5") })
    }
  }

  @Test func aRunThatIsKilledAgainAndAgainEndsUpTheSame() throws {
    try BuiltCommand.withFolder { folder in
      let config = try TinyRun.write(to: folder)
      #expect(try BuiltCommand.run("--config", config, "--quiet", in: folder).status == 0)
      let run = folder.appendingPathComponent("killed")
      let arguments = ["--config", config, "--quiet", "--set", "run.output_dir=killed"]
      for stage in ["sft", "train"] {
        let (process, _) = try BuiltCommand.start(arguments, in: folder)
        try stop(process, in: run, at: stage, with: SIGKILL)
      }
      let last = try BuiltCommand.run(arguments, in: folder)
      #expect(last.status == 0, "\(last.errors)")
      let whole = try TinyRun.fingerprint(of: folder.appendingPathComponent("runs/tiny"))
      #expect(try TinyRun.fingerprint(of: run) == whole)
    }
  }
}
