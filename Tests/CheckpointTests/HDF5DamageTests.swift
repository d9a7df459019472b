import Checkpoint
import Foundation
import TestSupport
import Testing

/// Damaged files throw an error that names them, whatever is wrong.
@Suite struct HDF5DamageTests {
  /// Changes of a file that `tensor-fuzz readers` found: libhdf5 1.10 crashed on each, or ran for ever, or
  /// asked for gigabytes. The file was written by ``HDF5File/write(to:_:)``.
  struct Change: CustomTestStringConvertible, Sendable {
    let bytes: [Int: [UInt8]]
    var testDescription: String { bytes.map { "\($0)" }.joined(separator: " ") }
  }

  static let changes: [Change] = [
    // The header of the root group: where it goes on, and how long that part is.
    Change(bytes: [132: [0, 0, 0, 0, 0, 0]]), Change(bytes: [133: [0xA0]]), Change(bytes: [135: [0x80]]),
    Change(bytes: [137: [0xEF]]), Change(bytes: [192: [0xFF, 0xFF, 0xFF, 0x7F, 0, 0, 0, 0]]),
    Change(bytes: [185: [0x95, 0x40]]), Change(bytes: [123: [0xFF, 0xFF], 130: [0]]),
    Change(bytes: [130: [0x18], 9549: [4]]), Change(bytes: [133: [0x30], 3088: [0xF0], 7735: [1]]),
    Change(bytes: [216: [0], 218: [0], 12_493: [0]]), Change(bytes: [1794: [0, 0, 1]]),
    Change(bytes: [959: [1], 8534: [0x14]]), Change(bytes: [184: [5], 246: [0x9C, 0x40], 250: [0]]),
  ]

  @Test(arguments: changes)
  func whatLibhdf5DoesNotSurvive(change: Change) throws {
    var file = try Data(contentsOf: Fixtures.url("hdf5/ours.h5"))
    for (start, bytes) in change.bytes { file.replaceSubrange(start..<start + bytes.count, with: bytes) }
    try Fixtures.withTemporaryDirectory { folder in
      let url = folder.appendingPathComponent("damaged.h5")
      try file.write(to: url)
      let error = #expect(throws: CheckpointError.self) { try readAll(url) }
      #expect(error?.file == url.path)
    }
  }

  @Test(arguments: ["attributes", "committed", "fixed", "free", "growing", "links"])
  func everyByteInTurn(name: String) throws {
    for form in ["earliest", "latest"] {
      let whole = try Data(contentsOf: Fixtures.url("hdf5/small/\(name)-\(form).h5"))
      try Fixtures.withTemporaryDirectory { folder in
        let url = folder.appendingPathComponent("damaged.h5")
        for (place, value) in whole.enumerated() where value != 0 {
          var changed = whole
          changed[place] = place % 2 == 0 ? 0xFF : value &+ 1
          try changed.write(to: url)
          do {
            try readAll(url)
          } catch let error as CheckpointError {
            #expect(error.file == url.path)
          }
        }
      }
    }
  }

  @Test(arguments: ["attributes", "committed", "fixed", "free", "growing", "links"])
  func cutShort(name: String) throws {
    for form in ["earliest", "latest"] {
      let whole = try Data(contentsOf: Fixtures.url("hdf5/small/\(name)-\(form).h5"))
      try Fixtures.withTemporaryDirectory { folder in
        let url = folder.appendingPathComponent("cut.h5")
        for length in stride(from: 0, to: whole.count, by: 97) {
          try whole.prefix(length).write(to: url)
          #expect(throws: CheckpointError.self) { try readAll(url) }
        }
      }
    }
  }

  private func readAll(_ url: URL) throws {
    let file = try HDF5File(reading: url)
    _ = try file.attributes()
    for path in try file.datasets() {
      _ = try file.read(path)
      _ = try file.attributes(on: path)
    }
  }
}
