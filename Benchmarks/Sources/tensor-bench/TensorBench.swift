import Foundation
import LVLM
import Tensor

/// Times cases on request: prints a line about itself, then for every line on standard input (`case` or
/// `case<TAB>repetitions`) one line of JSON. `scripts/bench` runs it against other programs that speak the
/// same.
@main
enum TensorBench {
  static func main() throws {
    report([
      "program": "tensor-bench", "threads": Threads.count, "blas_core": TensorRuntime.blasCoreName,
      "blas": TensorRuntime.blasConfiguration,
    ])
    var steps: [String: PreferenceStep] = [:]
    var generations: [String: Generation] = [:]
    var prefills: [Int: Prefill] = [:]
    var compositions: [String: Composition] = [:]
    var operations: [String: MicroOperations.Operation] = [:]
    var layer: LargeLayer?
    var loading: Loading?
    while let line = readLine() {
      let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
      guard let name = fields.first, !name.isEmpty else { continue }
      let repetitions = fields.count > 1 ? Int(fields[1]) ?? 1 : 1
      if name.hasPrefix("trace dpo "), let path = ProcessInfo.processInfo.environment["TRACE_FILE"] {
        // The steps of a case, as a profile of operations.
        let traced = String(name.dropFirst(6))
        if steps[traced] == nil { steps[traced] = try preferenceStep(traced) }
        guard let step = steps[traced] else { continue }
        for _ in 0..<3 { _ = step.run() }
        try Profile.start(writingTo: path)
        for _ in 0..<repetitions { _ = Profile.phase("step") { step.run() } }
        try Profile.stop()
        report(["case": name, "gflop": step.gflop])
      } else if name.hasPrefix("dpo ") {
        if steps[name] == nil { steps[name] = try preferenceStep(name) }
        guard let step = steps[name] else {
          report(["case": name, "error": "unknown case"])
          continue
        }
        TensorRuntime.resetPeak()
        let (start, used) = (ContinuousClock.now, processorSeconds())
        let loss = withFloat32MatmulPrecision(name.hasSuffix(" bf16") ? .medium : .highest) { step.run() }
        let (elapsed, processor) = (seconds(since: start), processorSeconds() - used)
        report([
          "case": name, "seconds": elapsed, "processor_seconds": processor, "loss": loss, "gflop": step.gflop,
          "peak_tensor_mib": TensorRuntime.peakBytes >> 20, "peak_resident_mib": peakResidentBytes() >> 20,
          "system_allocations": TensorRuntime.systemAllocationCount,
          "phases": Dictionary(step.phases.map { ($0.name, $0.seconds) }) { $0 + $1 },
          "processor_phases": Dictionary(step.phases.map { ($0.name, $0.processorSeconds) }) { $0 + $1 },
        ])
      } else if name.hasPrefix("curve "), let size = CostCurves.size(name) {
        report(["case": name].merging(try CostCurves.race(size, repetitions: repetitions)) { $1 })
      } else if name.hasPrefix("generate ") {
        if generations[name] == nil { generations[name] = try generation(name) }
        guard let generation = generations[name] else {
          report(["case": name, "error": "unknown case"])
          continue
        }
        report(["case": name].merging(try generation.race(repetitions: repetitions)) { $1 })
      } else if name.hasPrefix("prefill smolvlm "), let tiles = Int(name.dropFirst(16)) {
        let prefill = try prefills[tiles] ?? Prefill(tiles: tiles)
        prefills[tiles] = prefill
        report(["case": name].merging(try prefill.race(repetitions: repetitions)) { $1 })
      } else if name.hasPrefix("compose ") {
        if compositions[name] == nil { compositions[name] = try Composition(name) }
        guard let composition = compositions[name] else {
          report(["case": name, "error": "unknown case"])
          continue
        }
        let start = ContinuousClock.now
        for _ in 0..<repetitions { try composition.run() }
        report([
          "case": name, "seconds": seconds(since: start) / Double(repetitions), "canvases": Composition.batch,
        ])
      } else if name == "layer 7b" {
        let step = try layer ?? LargeLayer()
        layer = step
        TensorRuntime.resetPeak()
        let start = ContinuousClock.now
        for _ in 0..<repetitions { step.run() }
        report([
          "case": name, "seconds": seconds(since: start) / Double(repetitions),
          "peak_tensor_mib": TensorRuntime.peakBytes >> 20,
        ])
      } else if name == "load small" {
        let files = try loading ?? Loading()
        loading = files
        let times = try files.race()
        report(["case": name, "seconds": times.load, "read_seconds": times.read])
      } else if name.hasPrefix("stream "), let stream = MemoryStream(name) {
        report(["case": name, "seconds": stream.time(repetitions: repetitions)])
      } else if name.hasPrefix("cached ") {
        // cached ROWS TOTAL OPERATION
        let words = name.split(separator: " ", maxSplits: 3).map(String.init)
        guard words.count == 4, let rows = Int(words[1]), let total = Int(words[2]),
          let time = MicroOperations.cachedTime(words[3], rows: rows, of: total, repetitions: repetitions)
        else {
          report(["case": name, "error": "unknown case"])
          continue
        }
        report(["case": name, "seconds": time])
      } else {
        if operations[name] == nil {
          operations[name] = ArrayOperations.operation(name) ?? MicroOperations.operation(name)
        }
        guard let operation = operations[name] else {
          report(["case": name, "error": "unknown case"])
          continue
        }
        // A kept block may be larger than what is asked for.
        TensorRuntime.trim()
        let held = TensorRuntime.bytesInUse
        TensorRuntime.resetPeak()
        operation()
        let room = TensorRuntime.peakBytes - held
        let (start, used) = (ContinuousClock.now, processorSeconds())
        for _ in 0..<repetitions { operation() }
        report([
          "case": name, "seconds": seconds(since: start) / Double(repetitions),
          "processor_seconds": (processorSeconds() - used) / Double(repetitions), "extra_bytes": room,
        ])
      }
    }
  }

  /// `dpo SIZE`, with `lora` for adapters alone, `frozen-bf16` for these over a decoder in bfloat16, `cached`
  /// when the reference is computed once, `unshared` when prompts are repeated, `checkpointed` when blocks
  /// are computed again in the backward pass.
  private static func preferenceStep(_ name: String) throws -> PreferenceStep? {
    let words = name.split(separator: " ")
    guard words.count > 1, let size = ModelSize.all.first(where: { $0.name == words[1] }) else { return nil }
    return try PreferenceStep(
      size,
      training: !words.contains("lora")
        ? .allWeights : words.contains("frozen-bf16") ? .adaptersOverBFloat16 : .adapters,
      sharesPrefix: !words.contains("unshared"), cachesReference: words.contains("cached"),
      checkpoints: words.contains("checkpointed"))
  }

  /// `generate SIZE BATCH`, then how the weights are stored; `smollm2` is a size too, with a batch of 1.
  private static func generation(_ name: String) throws -> Generation? {
    let words = name.split(separator: " ")
    if words.count > 2, words[1] == "smollm2", let path = ProcessInfo.processInfo.environment["SMOLLM2_GGUF"]
    {
      let storage = words.count > 3 ? WeightStorage(rawValue: String(words[3])) : .float32
      return try storage.map { try Generation(languageModel: path, weights: $0) }
    }
    guard words.count > 2, let size = ModelSize.all.first(where: { $0.name == words[1] }),
      let batch = Int(words[2])
    else { return nil }
    return try Generation(size, batch: batch, weights: words.contains("bfloat16") ? .bfloat16 : .float32)
  }

  private static func report(_ fields: [String: Any]) {
    guard let data = try? JSONSerialization.data(withJSONObject: fields, options: [.sortedKeys]) else {
      return
    }
    FileHandle.standardOutput.write(data + [0x0A])
  }
}
