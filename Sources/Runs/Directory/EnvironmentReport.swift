import Checkpoint
import Foundation
import Records
import Tensor

/// What a run's speed and last digits depend on: versions, libraries, threads, CPU.
public struct EnvironmentReport: Sendable, CustomStringConvertible {
  /// Names and values in the order they are shown.
  public let entries: [(name: String, value: String)]

  /// Reads the environment of this process.
  public init() {
    let blas = TensorRuntime.blasConfiguration
    entries = [
      ("dpotrain", PackageVersion.current),
      ("swift", PackageVersion.swift),
      ("system", Self.system()),
      ("cpu", Self.cpuField(["model name", "Model"]) ?? "unknown"),
      ("cpu features", Self.cpuFeatures()),
      ("bfloat16 products", Float32MatmulPrecision.instructions?.rawValue ?? "none"),
      ("cores", "\(ProcessInfo.processInfo.activeProcessorCount)"),
      ("threads", "\(Threads.count)"),
      ("memory", String(format: "%.1f GiB", Double(ProcessInfo.processInfo.physicalMemory) / 1_073_741_824)),
      ("openblas", blas),
      ("openblas core", TensorRuntime.blasCoreName),
      ("hdf5", HDF5Version.text),
    ]
  }

  /// One line per entry, values aligned.
  public var description: String {
    let width = entries.map(\.name.count).max() ?? 0
    return entries.map { $0.name.padding(toLength: width + 2, withPad: " ", startingAt: 0) + $0.value }
      .joined(separator: "\n")
  }

  /// The most memory this process has held so far, in bytes.
  public static var peakResidentBytes: Int {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    #if os(Linux)
      return usage.ru_maxrss * 1024
    #else
      return usage.ru_maxrss
    #endif
  }

  private static func system() -> String {
    let release = (try? String(contentsOfFile: "/etc/os-release", encoding: .utf8)) ?? ""
    let name = release.split(separator: "\n").first { $0.hasPrefix("PRETTY_NAME=") }?
      .dropFirst("PRETTY_NAME=".count).trimmingCharacters(in: CharacterSet(charactersIn: "\""))
    return name ?? ProcessInfo.processInfo.operatingSystemVersionString
  }

  private static func cpuField(_ names: [String]) -> String? {
    guard let text = try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8) else { return nil }
    for line in text.split(separator: "\n") {
      let parts = line.split(separator: ":", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
      if parts.count == 2, names.contains(parts[0]) { return parts[1] }
    }
    return nil
  }

  /// Of the vector extensions that kernels and OpenBLAS choose by, those that the CPU has.
  private static func cpuFeatures() -> String {
    let known = [
      "sse4_2", "avx", "avx2", "fma", "f16c", "avx512f", "avx512bw", "avx512vl", "avx512_vnni", "avx512_bf16",
      "avx512_fp16", "amx_tile", "amx_bf16", "asimd", "asimdhp", "sve", "bf16",
    ]
    let flags = Set((cpuField(["flags", "Features"]) ?? "").split(separator: " ").map(String.init))
    let found = known.filter(flags.contains)
    return found.isEmpty ? "unknown" : found.joined(separator: " ")
  }
}
