import Foundation
import Records

/// One row of `metrics.jsonl`: the numbers of one optimizer step, under TRL's names.
///
/// On disk a row is flat: `{"stage": "train", "step": 10, "grad_norm": 1.2, "loss": 0.69, …, "wall_time":
/// 1795868907.512}` with the names after `step` in alphabetical order. Numbers that are not finite are
/// written as `null` and left out when read. `wall_time` is the one member that differs between two runs of
/// one configuration; rows of earlier versions have none.
public struct MetricRow: JSONRow, Equatable {
  /// The stage that wrote the row: `sft` or `train`.
  public var stage: String
  /// The optimizer step, from 1.
  public var step: Int
  /// Values by name: `loss`, `learning_rate`, `grad_norm`, `rewards/chosen`, `rewards/rejected`,
  /// `rewards/margins`, `rewards/accuracies`, `logps/chosen`, `logps/rejected`, `nll_loss`, ….
  public var values: [String: Double]
  /// When the row was logged, in seconds since 1970.
  public var wallTime: Double?

  /// Creates a row.
  public init(stage: String, step: Int, values: [String: Double], wallTime: Double? = nil) {
    self.stage = stage
    self.step = step
    self.values = values
    self.wallTime = wallTime
  }

  /// The value of that name, where the row has it.
  public subscript(name: String) -> Double? { values[name] }

  /// The names in the order they are written.
  public var names: [String] { values.keys.sorted() }

  public var json: OrderedJSON {
    .object(
      [.init("stage", .string(stage)), .init("step", .integer(step))]
        + names.map { .init($0, .number(values[$0]!)) }
        + (wallTime.map { [.init(Self.wallTimeKey, .number($0))] } ?? []))
  }

  /// The member that is no result.
  private static let wallTimeKey = "wall_time"

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Name.self)
    stage = try container.decode(String.self, forKey: Name("stage"))
    step = try container.decode(Int.self, forKey: Name("step"))
    wallTime = try container.decodeIfPresent(Double.self, forKey: Name(Self.wallTimeKey))
    values = [:]
    for key in container.allKeys where !["stage", "step", Self.wallTimeKey].contains(key.stringValue) {
      values[key.stringValue] = try container.decodeIfPresent(Double.self, forKey: key)
    }
  }

  /// Bytes of a line without the time, which are the same in every run of one configuration; a line whose
  /// last member is none comes back as it is.
  package static func withoutWallTime(_ line: Data) -> Data {
    let mark = Data(", \"\(wallTimeKey)\": ".utf8)
    guard let place = line.range(of: mark, options: .backwards),
      let brace = line[place.upperBound...].firstIndex(of: UInt8(ascii: "}")),
      !line[place.upperBound..<brace].isEmpty,
      line[place.upperBound..<brace].allSatisfy({ (0x30...0x39).contains($0) || $0 == UInt8(ascii: ".") })
    else { return line }
    return line[..<place.lowerBound] + line[brace...]
  }

  private struct Name: CodingKey {
    var stringValue: String
    var intValue: Int? { nil }
    init(_ name: String) { stringValue = name }
    init?(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }
}
