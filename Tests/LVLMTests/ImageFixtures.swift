import Foundation
import LVLM

enum ImageFixtures {
  static let folder = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Fixtures").path

  static func golden(_ name: String) -> String { folder + "/golden/images/" + name }
  static func plain(_ name: String) -> String { folder + "/images/" + name }

  static func bytes(_ path: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
  }

  /// FNV-1a over the samples: the checksum the expected values were made with.
  static func checksum(_ picture: RGBImage) -> UInt64 {
    picture.pixels.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
  }

  static func temporaryFolder() throws -> String {
    let path = NSTemporaryDirectory() + "images-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    return path
  }
}
