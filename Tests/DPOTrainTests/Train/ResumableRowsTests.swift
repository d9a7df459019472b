import DPOTrain
import Foundation
import Records
import TestSupport
import Testing

@Suite struct ResumableRowsTests {
  private func rows(_ folder: URL) throws -> ResumableRows<MetricRow> {
    try ResumableRows(folder: folder, name: "answers", key: "0123456789abcdef", id: \.stage)
  }

  private static let all = (1...4).map {
    MetricRow(stage: "row \($0)", step: $0, values: ["loss": 1 / Double($0)])
  }

  @Test func whatWasWrittenIsThereAgain() throws {
    try Fixtures.withTemporaryDirectory { folder in
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      var first = try rows(folder)
      for row in Self.all { try first.append([row], id: \.stage) }
      let second = try rows(folder)
      #expect(second.rows.count == 4 && second.damagedCount == 0)
      #expect(second.rows["row 3"]?.values == ["loss": 1 / 3.0])
    }
  }

  @Test func aChangedByteIsNeverRead() throws {
    try Fixtures.withTemporaryDirectory { folder in
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      var first = try rows(folder)
      for row in Self.all { try first.append([row], id: \.stage) }
      let url = folder.appendingPathComponent(
        try FileManager.default.contentsOfDirectory(atPath: folder.path)[0])
      let whole = [UInt8](try Data(contentsOf: url))
      for index in whole.indices {
        var bytes = whole
        bytes[index] ^= 2
        try Data(bytes).write(to: url)
        let again = try rows(folder)
        let line = whole[..<index].count { $0 == 0x0A }
        #expect(again.rows.count <= line, "\(index)")
        #expect(again.rows.values.allSatisfy(Self.all.contains), "\(index)")
        #expect(again.damagedCount > 0 || index == whole.count - 1, "\(index)")
      }
      // Cut short, as by a kill: nothing to be told.
      try Data(whole.dropLast(5)).write(to: url)
      let cut = try rows(folder)
      #expect(cut.rows.count == 3 && cut.damagedCount == 0)
      var more = cut
      try more.append([Self.all[3]], id: \.stage)
      #expect([UInt8](try Data(contentsOf: url)) == whole)
    }
  }
}
