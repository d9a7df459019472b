import DPOTrain
import Foundation
import Ranks
import Tensor
import TestSupport
import Testing

/// Reference values that ranks compute together: the bits, and the file, of one process.
@Suite struct RankedReferenceTests {
  private struct Found: Sendable, Equatable {
    var values: [[UInt64]]
    var computed: Int
    var file: Data
  }

  private let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)

  /// What a cache holds that `ranks` fill together; another rank has no file.
  private func filled(
    _ count: Int, ranks: Int, file name: String
  ) throws -> [Result<Found?, any Error>] {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let file = folder.appendingPathComponent(name)
    return ThreadRanks.run(ranks) { group in
      let setup = try PreferenceObjectiveTests.Setup()
      let pairs = Array(setup.pairs.prefix(count))
      let team = try RankTeam(group)
      guard group.rank == 0 else {
        try ReferenceCache.follow(pairs, batchTokens: 60, scorer: setup.scorer(), team: team)
        return nil
      }
      let cache = ReferenceCache(file, fingerprint: "f")
      try cache.fill(
        pairs, batchTokens: 60, scorer: setup.scorer(), digest: { "\($0)" }, team: team, progress: { _ in })
      return Found(
        values: cache.values(of: pairs).map { [$0.chosen.bitPattern, $0.rejected.bitPattern] },
        computed: cache.computedCount, file: try Data(contentsOf: file))
    }
  }

  @Test(arguments: [2, 3, 7]) func theValuesAreThoseOfOneProcess(ranks: Int) throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let alone = try #require(try filled(8, ranks: 1, file: "alone.h5")[0].get())
    #expect(alone.computed == 8)
    let shared = try filled(8, ranks: ranks, file: "shared.h5")
    #expect(try shared[0].get() == alone)
    for other in shared.dropFirst() { #expect(try other.get() == nil) }
  }

  /// What the lead has on file already is nobody's work.
  @Test func onlyWhatIsMissingIsComputed() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let alone = try #require(try filled(8, ranks: 1, file: "alone.h5")[0].get())
    _ = try filled(3, ranks: 1, file: "part.h5")[0].get()
    let rest = try #require(try filled(8, ranks: 2, file: "part.h5")[0].get())
    #expect(rest.values == alone.values && (1..<8).contains(rest.computed))
    let none = try #require(try filled(8, ranks: 2, file: "part.h5")[0].get())
    #expect(none.values == alone.values && none.computed == 0)
  }
}
