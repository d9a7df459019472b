import ArgumentParser
import CMIAAllocationMeter
import Checkpoint
import Foundation
import Tensor

/// Changes good files at random and reads them: every input must be read or refused with a `CheckpointError`,
/// without a crash, a hang, or more memory than a stated multiple of its size.
struct ReadersCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "readers",
    abstract: "Reads damaged files of every format.",
    discussion: """
      Input number N of a format is a function of the seed and N alone, so a failure is repeated with \
      --format F --seed S --first N --count 1. The input at hand lies in the folder; a crash, a hang of more \
      than 20 s or a failure leaves it there and is named on standard error with a non-zero exit status.
      """)

  @Option(help: "Inputs for each format.") var count = 10_000
  @Option(help: "What the changes are drawn with.") var seed: UInt64 = 1
  @Option(help: "Number of the first input.") var first = 0
  @Option(help: "npy, npz, safetensors, hdf5 or gguf; all when omitted. May be given more than once.")
  var format: [ReaderFormat] = []
  @Option(help: "A folder with further good files to start from, by the format's ending (.h5 for hdf5).")
  var samples: String?
  @Option(help: "Where inputs are written; a temporary folder in memory when omitted.") var folder: String?

  func run() throws {
    let base = FileManager.default.fileExists(atPath: "/dev/shm") ? "/dev/shm" : NSTemporaryDirectory()
    let folder = URL(fileURLWithPath: folder ?? "\(base)/tensor-fuzz-\(getpid())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    var failures = 0
    meter_watch(20)
    for format in format.isEmpty ? ReaderFormat.allCases : format {
      failures += try run(format, in: folder)
    }
    if self.folder == nil && failures == 0 { try FileManager.default.removeItem(at: folder) }
    if failures > 0 { throw ExitCode(1) }
  }

  /// Runs the inputs of one format and returns how many failed.
  private func run(_ format: ReaderFormat, in folder: URL) throws -> Int {
    let samples = try format.samples(in: folder, and: samples.map { URL(fileURLWithPath: $0) })
    let url = folder.appendingPathComponent("input.\(format.rawValue)")
    var (read, refused, failures) = (0, 0, 0)
    var worst = (ratio: 0.0, input: 0)
    let start = Date()
    for number in first..<(first + count) {
      var generator = RandomGenerator(seed: seed, stream: format.stream).split(UInt64(number))
      let bytes = Mutation.input(samples, using: &generator)
      try bytes.withUnsafeBytes { try Self.write($0, to: url.path) }
      let place = "\(format.rawValue) input \(number) of seed \(seed), \(bytes.count) bytes, in \(url.path)"
      meter_set_case(place)
      meter_reset()
      TensorRuntime.resetPeak()
      let inUse = TensorRuntime.bytesInUse
      do {
        try format.read(url)
        read += 1
      } catch is CheckpointError {
        refused += 1
      } catch {
        failures += 1
        report("untyped error: \(place): \(error)")
      }
      let memory = max(Int(meter_peak()), TensorRuntime.peakBytes - inUse)
      let excess = Double(memory - format.fixedMemory) / Double(max(bytes.count, 1))
      if excess > worst.ratio { worst = (excess, number) }
      if excess > Double(format.memoryMultiple) {
        failures += 1
        report("memory: \(place): \(memory) bytes")
      }
    }
    let ratio = String(format: "%.1f", worst.ratio)
    print(
      "\(format.rawValue): \(count) inputs, \(read) read, \(refused) refused, \(failures) failed; "
        + "memory at most \(ratio) (input \(worst.input)) of \(format.memoryMultiple) × size + "
        + "\(format.fixedMemory) bytes; \(Int(Date().timeIntervalSince(start))) s")
    return failures
  }

  private func report(_ text: String) { FileHandle.standardError.write(Data("\(text)\n".utf8)) }

  private static func write(_ bytes: UnsafeRawBufferPointer, to path: String) throws {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw POSIXError(.EIO) }
    defer { close(descriptor) }
    guard Foundation.write(descriptor, bytes.baseAddress, bytes.count) == bytes.count else {
      throw POSIXError(.EIO)
    }
  }
}
