import Checkpoint
import Foundation
import Records
import Tensor

/// `progress.jsonl` of a suite: how long each run took and how much memory its process had held by then.
///
/// Several processes append to it. Each line has the CRC-32 of what stands before that member.
package struct AblationLog: JSONRow, Codable, Equatable {
  package var variant: String
  package var seed: UInt64
  /// Wall time of the attempt that finished the run.
  package var seconds: Double
  package var peakBytes: Int
  package var threads: Int

  package init(variant: String, seed: UInt64, seconds: Double, peakBytes: Int, threads: Int) {
    self.variant = variant
    self.seed = seed
    self.seconds = seconds
    self.peakBytes = peakBytes
    self.threads = threads
  }

  package enum CodingKeys: String, CodingKey {
    case variant, seed, seconds, threads
    case peakBytes = "peak_bytes"
  }

  package var json: OrderedJSON {
    .members([
      "variant": .string(variant), "seed": .integer(Int(truncatingIfNeeded: seed)),
      "seconds": .number(seconds), "peak_bytes": .integer(peakBytes), "threads": .integer(threads),
    ])
  }

  package static func place(in directory: URL) -> URL { directory.appendingPathComponent("progress.jsonl") }

  private static let mark = #", "crc32": ""#

  package static func append(_ row: AblationLog, in directory: URL) throws {
    let place = place(in: directory)
    // A line that a kill or a power cut left unfinished stays one of its own.
    let before = try? StoredBytes.read(place)
    let start = before?.last.map { $0 == UInt8(ascii: "\n") } ?? true ? "" : "\n"
    let body = row.jsonLine.dropLast(2)
    let file = try OutputFile(place, reportingAs: place, isAppending: true)
    try file.write("\(start)\(body)\(mark)\(CRC32.digits(CRC32.of(body.utf8)))\"}\n")
    try file.synchronize()
    try file.close()
  }

  /// The rows that are as they were written, and the numbers of the lines that are not.
  package static func read(in directory: URL) -> (rows: [AblationLog], damaged: [Int]) {
    let text = (try? StoredBytes.read(place(in: directory))) ?? Data()
    var (rows, damaged): ([AblationLog], [Int]) = ([], [])
    let lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    for (number, line) in lines.enumerated() where !line.isEmpty {
      if let row = row(line) { rows.append(row) } else { damaged.append(number + 1) }
    }
    return (rows, damaged)
  }

  /// Lines of earlier versions have no checksum.
  private static func row(_ line: Data) -> AblationLog? {
    let text = String(decoding: line, as: UTF8.self)
    if let place = text.range(of: mark) {
      let digits = CRC32.digits(CRC32.of(text[..<place.lowerBound].utf8))
      guard text[place.upperBound...] == digits + "\"}" else { return nil }
    }
    return try? JSONDecoder().decode(Self.self, from: line)
  }

  /// What the log should have and has not: damaged lines, and finished runs without a line.
  static func problems(of suite: AblationSuite) -> [String] {
    let file = place(in: suite.directory).path
    let (rows, damaged) = read(in: suite.directory)
    var problems = damaged.map { "\(file):\($0): damaged; the time of that run is not counted" }
    let known = Set(rows.map { "\($0.variant)-\($0.seed)" })
    let unknown = suite.units.filter { $0.isFinished && !known.contains("\($0.variant.name)-\($0.seed)") }
    if !unknown.isEmpty {
      problems.append(
        "\(file): has no time of \(unknown.count) finished runs (\(unknown[0].title)"
          + (unknown.count > 1 ? " …)" : ")"))
    }
    return problems
  }
}

extension AblationSuite {
  /// What is wrong with the log of how long runs took, for people.
  public var logProblems: [String] { AblationLog.problems(of: self) }
}
