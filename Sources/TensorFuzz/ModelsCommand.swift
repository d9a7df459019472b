import ArgumentParser
import CMIAAllocationMeter
import Checkpoint
import Foundation
import LVLM
import Tensor

/// Damages one file of a model at random and opens the model: it must be opened or refused in words, without
/// a crash, a hang, or more memory than the model's files explain; where checksums seal the files, with the
/// same result.
struct ModelsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "models",
    abstract: "Opens model directories, adapters and GGUF files in which one file is damaged.",
    discussion: """
      Input number N is a function of the seed and N alone, so a failure is repeated with --seed S \
      --first N --count 1. The model at hand lies in the folder; a crash, a hang of more than 20 s or a \
      failure leaves it there and is named on standard error with a non-zero exit status.
      """)

  @Option(help: "Models that are opened.") var count = 5_000
  @Option(help: "What the changes are drawn with.") var seed: UInt64 = 1
  @Option(help: "Number of the first.") var first = 0
  @Option(help: "The folder of the test fixtures, whose models are damaged.")
  var fixtures = "Tests/Fixtures"
  @Option(help: "Where models are written; a temporary folder in memory when omitted.") var folder: String?
  @Flag(help: "Shows what comes of every model.") var shows = false

  /// Memory that opening a model may take beside ``memoryMultiple`` times the bytes of its files.
  private static let fixedMemory = 48 << 20
  private static let memoryMultiple = 256

  func run() throws {
    let base = FileManager.default.fileExists(atPath: "/dev/shm") ? "/dev/shm" : NSTemporaryDirectory()
    let folder = URL(fileURLWithPath: folder ?? "\(base)/tensor-fuzz-\(getpid())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let samples = try ModelSample.all(
      fixtures: URL(fileURLWithPath: fixtures), scratch: folder.appending(path: "scratch"))
    let input = folder.appending(path: "input")
    var results: [[Float]] = []
    for sample in samples {
      try sample.write(to: input)
      results.append(try sample.open(input))
    }
    var (opened, refused, failures, worst) = (0, 0, 0, 0)
    let start = Date()
    meter_watch(20)
    for number in first..<(first + count) {
      var generator = RandomGenerator(seed: seed, stream: 0x4D4F_44).split(UInt64(number))
      let index = generator.integer(below: samples.count)
      let sample = samples[index]
      let path = sample.damaged[generator.integer(below: sample.damaged.count)]
      try sample.write(to: input)
      try ModelDamage.apply(to: path, in: input, of: sample.files, using: &generator)
      let place = "model \(number) of seed \(seed), \(sample.name), \(path), in \(input.path)"
      meter_set_case(place)
      meter_reset()
      TensorRuntime.trim()
      TensorRuntime.resetPeak()
      let inUse = TensorRuntime.bytesInUse
      do {
        let result = try sample.open(input)
        opened += 1
        if shows { print("\(place): opened") }
        if sample.isSealed, result != results[index] {
          failures += 1
          report("another result: \(place)")
        }
      } catch let error where Self.isInWords(error) {
        refused += 1
        if shows { print("\(place): \(error)") }
      } catch {
        failures += 1
        report("untyped error: \(place): \(type(of: error)) \(error)")
      }
      let memory = max(Int(meter_peak()), TensorRuntime.peakBytes - inUse)
      let size = sample.files.values.reduce(0) { $0 + $1.count }
      worst = max(worst, memory)
      if memory > Self.fixedMemory + Self.memoryMultiple * size {
        failures += 1
        report("memory: \(place): \(memory) bytes for files of \(size)")
      }
    }
    print(
      "models: \(count) damaged, \(opened) opened, \(refused) refused, \(failures) failed; memory at "
        + "most \(worst >> 20) MiB"
        + "; \(Int(Date().timeIntervalSince(start))) s")
    if self.folder == nil && failures == 0 { try FileManager.default.removeItem(at: folder) }
    if failures > 0 { throw ExitCode(1) }
  }

  private static func isInWords(_ error: any Error) -> Bool {
    switch error {
    case let all as ModelErrors: all.errors.allSatisfy(isInWords)
    case is CheckpointError, is ModelConfigurationError, is ModelDirectoryError, is TokenizerError,
      is PromptError:
      true
    default: false
    }
  }

  private func report(_ text: String) { FileHandle.standardError.write(Data("\(text)\n".utf8)) }
}
