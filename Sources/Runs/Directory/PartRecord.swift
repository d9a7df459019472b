import Checkpoint
import Foundation
import Records
import Tensor

extension RunDirectory {
  /// What a finished part of a run leaves behind: `done.json`.
  public struct StageRecord: Codable, Equatable, Sendable {
    /// Hash of everything in the configuration that it depended on.
    public var key: String
    /// Time of the attempt that finished it, seconds.
    public var seconds: Double
    /// The run it was taken over from; `nil` where it was made here.
    public var from: String?
    /// The values of the keys that it reads itself; `nil` from earlier versions.
    public var settings: [String: String]?
    /// Eight digits for its files and their content: the CRC-32 of its list of checksums; `nil` from earlier
    /// versions.
    public var files: String?
    /// The same of the parts it was made from.
    public var inputs: [String: String]?
    /// Its files that were changed afterwards and accepted.
    public var accepted: [String]?
    /// The most memory that the process had held when it was done, in bytes; `nil` from earlier versions.
    public var peakBytes: Int?

    /// A record without checksums, as earlier versions left it.
    public init(key: String, seconds: Double, from: String? = nil) {
      self.key = key
      self.seconds = seconds
      self.from = from
    }
  }
}

extension RunDirectory.StageRecord {
  private static let zeros = "00000000"
  private static let mark = #""crc32" : ""#

  /// The content of `done.json`. Its member `crc32` is the checksum of the text in which these digits are
  /// zeros.
  var text: String {
    get throws {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
      let members = String(decoding: try encoder.encode(self), as: UTF8.self)
      let text = "{\n  \(Self.mark)\(Self.zeros)\"," + members.dropFirst() + "\n"
      return text.replacing(
        Self.mark + Self.zeros, with: Self.mark + CRC32.digits(CRC32.of(text.utf8)), maxReplacements: 1)
    }
  }

  /// The record of a file; `nil` when there is none.
  /// - Throws: ``RunDirectoryError/damagedRecord(_:found:expected:)``.
  static func read(_ url: URL) throws -> RunDirectory.StageRecord? {
    guard FileManager.default.fileExists(atPath: url.path) else { return nil }
    let data = try StoredBytes.read(url)
    guard let record = try? JSONDecoder().decode(Self.self, from: data) else {
      throw RunDirectoryError.damagedRecord(
        url.path, found: "\(data.count) bytes that are no record",
        expected: "a JSON object with key and seconds")
    }
    let text = String(decoding: data, as: UTF8.self)
    guard let place = text.range(of: mark),
      let end = text.index(place.upperBound, offsetBy: 8, limitedBy: text.endIndex)
    else {
      guard record.files == nil else {
        throw RunDirectoryError.damagedRecord(url.path, found: "no crc32", expected: "its checksum")
      }
      return record
    }
    let digits = String(text[place.upperBound..<end])
    let found = CRC32.digits(CRC32.of(text.replacingCharacters(in: place.upperBound..<end, with: zeros).utf8))
    guard digits == found else {
      throw RunDirectoryError.damagedRecord(url.path, found: "text of CRC-32 \(found)", expected: digits)
    }
    return record
  }
}
