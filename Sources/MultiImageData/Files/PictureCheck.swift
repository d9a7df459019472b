import Checkpoint
import Foundation
import LVLM
import Records
import Synchronization
import Tensor

/// Finds out which picture files can be read, by reading them: each once, on all cores, and remembered beside
/// a run.
///
/// That a file exists, or begins as a picture does, says little: a file cut short fails only when its last
/// rows are wanted.
public final class PictureCheck: Sendable {
  /// A picture and, where its list of checksums has it, what it held when it was written.
  private struct Wanted: Hashable {
    var path: String
    var checksum: UInt32?
  }

  /// What is known of a file as it was: its size, when it was changed, and what it was compared with.
  private struct Stamp: Hashable {
    var wanted: Wanted
    var size: Int
    var changed: Int
  }

  private struct State {
    /// What is wrong with a file; empty where nothing is.
    var problems: [Wanted: String] = [:]
    /// Files that were read before and have not changed since.
    var remembered: Set<Stamp> = []
    /// Files that were found good.
    var good: Set<Stamp> = []
    var decoded = 0
  }

  private let limits: ImageLimits
  private let most: Int
  private let console: Console
  private let state = Mutex(State())
  /// The name of the file beside a run.
  static let file = "checked-pictures.txt"

  /// Creates a check that remembers nothing yet.
  /// - Parameters:
  ///   - most: how many files are decoded; of further ones only the beginning is looked at.
  ///   - console: gets a progress display where there are many files.
  ///   - directory: a run whose earlier check is believed for files that have not changed.
  public init(
    limits: ImageLimits = ImageLimits(), most: Int = .max, console: Console = .silent,
    remembering directory: URL? = nil
  ) {
    self.limits = limits
    self.most = most
    self.console = console
    guard let directory,
      let text = try? String(contentsOf: directory.appendingPathComponent(Self.file), encoding: .utf8),
      let end = text.firstIndex(of: "\n"), Digest.of(String(text[text.index(after: end)...])) == text[..<end]
    else { return }
    state.withLock { state in
      for line in text[text.index(after: end)...].split(separator: "\n") {
        let parts = line.split(separator: " ", maxSplits: 3)
        guard parts.count == 4, let size = Int(parts[0]), let changed = Int(parts[1]) else { continue }
        let wanted = Wanted(path: String(parts[3]), checksum: UInt32(parts[2], radix: 16))
        guard wanted.checksum != nil || parts[2] == "-" else { continue }
        state.remembered.insert(Stamp(wanted: wanted, size: size, changed: changed))
      }
    }
  }

  /// Writes down which files were found good, with a digest of the list as its first line.
  package func remember(in directory: URL) throws {
    let (good, old) = state.withLock { ($0.good, $0.remembered) }
    // A path with a line break would read as two.
    let lines = good.union(old).filter { !$0.wanted.path.contains("\n") }.map {
      "\($0.size) \($0.changed) \($0.wanted.checksum.map(CRC32.digits) ?? "-") \($0.wanted.path)\n"
    }
    guard !lines.isEmpty, !good.isSubset(of: old) else { return }
    let text = lines.sorted().joined()
    try AtomicFile.write(
      (Digest.of(text) + "\n" + text).utf8, to: directory.appendingPathComponent(Self.file))
  }

  /// What is wrong with files, by their path; those that can be read are not in it.
  /// - Parameter checksums: what files held when they were written: that one can be decoded says little about
  ///   a JPEG.
  /// - Throws: ``InterruptedRun`` when a stop was asked for.
  package func problems(
    of paths: some Sequence<String>, checksums: [String: UInt32] = [:]
  ) throws -> [String: String] {
    let wanted = Set(Set(paths).map { Wanted(path: $0, checksum: checksums[$0]) })
    let known = state.withLock { state in Set(state.problems.keys) }
    let open = wanted.subtracting(known).sorted { $0.path < $1.path }
    let progress = open.count >= 2000 ? console.progress("pictures", total: open.count) : nil
    defer { progress?.finish() }
    for start in stride(from: 0, to: open.count, by: 256) {
      try Interruption.check("reading pictures, \(start) of \(open.count)")
      let some = Array(open[start..<min(start + 256, open.count)])
      let results = concurrently(some.count) { self.check(some[$0]) }
      state.withLock { state in
        for (one, result) in zip(some, results) {
          guard case .success(let (problem, stamp)) = result else { continue }
          state.problems[one] = problem
          if problem.isEmpty, let stamp { state.good.insert(stamp) }
        }
      }
      progress?.update(step: start + some.count)
    }
    return state.withLock { state in
      var found: [String: String] = [:]
      for one in wanted {
        if let problem = state.problems[one], !problem.isEmpty { found[one.path] = problem }
      }
      return found
    }
  }

  private func check(_ wanted: Wanted) -> (problem: String, stamp: Stamp?) {
    let path = wanted.path
    let stamp = Self.stamp(of: wanted)
    let isKnown = state.withLock { state in
      if let stamp, state.remembered.contains(stamp) { return true }
      state.decoded += 1
      return false
    }
    if isKnown { return ("", stamp) }
    do {
      if state.withLock({ $0.decoded }) > most {
        try RGBImage.requirePicture(at: path)
        return ("", nil)
      }
      _ = try RGBImage(contentsOf: path, limits: limits)
      if let checksum = wanted.checksum {
        let found = try StoredBytes.checksum(of: URL(fileURLWithPath: path)).crc32
        guard found == checksum else {
          let problem =
            "\(path): found a file of CRC-32 \(CRC32.digits(found)), expected \(CRC32.digits(checksum)) "
            + "as when it was written"
          return (problem, nil)
        }
      }
      return ("", stamp)
    } catch {
      return ("\(error)", nil)
    }
  }

  private static func stamp(of wanted: Wanted) -> Stamp? {
    var status = stat()
    guard stat(wanted.path, &status) == 0 else { return nil }
    let time = status.st_mtim
    return Stamp(
      wanted: wanted, size: Int(status.st_size), changed: time.tv_sec * 1_000_000_000 + time.tv_nsec)
  }
}
