import Foundation

/// The memory that this process can have.
public enum MachineMemory {
  /// Bytes of the machine's memory, or of the control group's limit where that is lower.
  public static let bytes: Int = {
    let machine = Int(clamping: ProcessInfo.processInfo.physicalMemory)
    let limit = try? String(contentsOfFile: "/sys/fs/cgroup/memory.max", encoding: .utf8)
    let group = limit.flatMap { Int($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
    return min(machine, group ?? machine)
  }()

  /// Memory for image features where the configuration does not say: an eighth of all, at least 448 MiB,
  /// which every shipped configuration of a small model stays below.
  public static let featureCacheBytes = max(448 << 20, bytes / 8)
}
