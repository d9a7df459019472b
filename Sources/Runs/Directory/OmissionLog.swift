import Checkpoint
import Foundation
import MultiImageData
import Records

/// What becomes of records that cannot be used, in every stage alike: the run stops and names the first ten,
/// or they are left out and every one of them is listed in `omissions.txt`.
///
/// A line is `STAGE: FILE:LINE: record ID: what is wrong`. A stage that runs again replaces its own lines.
public final class OmissionLog {
  /// The name of the list in a run directory.
  public static let file = "omissions.txt"

  /// Whether such records are left out.
  public let skips: Bool
  private let url: URL
  private let console: Console
  private let isReadOnly: Bool

  /// The list of a run directory.
  /// - Parameter isReadOnly: leaves the list and the console to another process, which finds the same.
  package init(
    _ directory: URL, policy: RunConfiguration.Run.BadRecordPolicy, console: Console, isReadOnly: Bool = false
  ) {
    self.isReadOnly = isReadOnly
    url = directory.appendingPathComponent(Self.file)
    skips = policy == .skip
    self.console = console
  }

  /// Puts lines in the place of those that a stage had; the first five are told on the console.
  func replace(_ stage: String, by lines: [String]) throws {
    guard !isReadOnly else { return }
    let own = stage + ": "
    var all = try Self.lines(in: url).filter { !$0.hasPrefix(own) }
    // A reason of several lines is one omission.
    let lines = lines.map { own + $0.replacing("\n", with: " / ") }
    // Reading comes before every stage.
    all = stage == Self.reading ? lines + all : all + lines
    if all.isEmpty {
      ChecksumList.remove(url)
    } else {
      try ChecksumList.write(all.map { $0 + "\n" }.joined().utf8, to: url)
    }
    for line in lines.prefix(5) { console.warning(line) }
    if lines.count > 5 {
      console.warning("and \(lines.count - 5) more, \(lines.count) in all, see \(url.path)")
    }
  }

  /// Leaves out records of a stage, or stops for them.
  /// - Parameter part: what of the stage found them, where there is more than one place.
  /// - Throws: ``UnusableRecords`` unless they are to be left out.
  package func leaveOut(_ problems: [DataError], stage: Stage, part: String = "") throws {
    guard problems.isEmpty || skips else { throw UnusableRecords(problems) }
    try replace(stage.rawValue + part, by: problems.map { "left out: \($0)" })
  }

  /// The lines there are.
  /// - Throws: `CheckpointError` when they are not as they were written.
  private static func lines(in url: URL) throws -> [String] {
    let hasList = ChecksumList.isOne(ChecksumList.place(of: url))
    guard hasList || FileManager.default.fileExists(atPath: url.path) else { return [] }
    return String(decoding: try WrittenFile.read(url), as: UTF8.self).split(separator: "\n").map(String.init)
  }

  /// What reading the data is called in the list.
  static let reading = "data"

  /// How many records each stage of a run left out, for its report.
  /// - Throws: `CheckpointError` when the list is not as it was written.
  package static func counts(in run: URL) throws -> [(stage: String, count: Int)] {
    var counts: [(stage: String, count: Int)] = []
    for line in try lines(in: run.appendingPathComponent(file)) {
      guard let colon = line.firstIndex(of: ":") else { continue }
      let stage = String(line[..<colon].prefix { $0 != " " })
      if let place = counts.firstIndex(where: { $0.stage == stage }) {
        counts[place].count += 1
      } else {
        counts.append((stage, 1))
      }
    }
    return counts
  }
}
