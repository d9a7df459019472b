import Records

/// One row of `metrics.jsonl`: the numbers of one optimizer step, under TRL's names.
///
/// On disk a row is flat: `{"stage": "train", "step": 10, "grad_norm": 1.2, "loss": 0.69, …}` with the names
/// after `step` in alphabetical order. Numbers that are not finite are written as `null` and left out when
/// read.
public struct MetricRow: JSONRow, Equatable {
  /// The stage that wrote the row: `sft` or `train`.
  public var stage: String
  /// The optimizer step, from 1.
  public var step: Int
  /// Values by name: `loss`, `learning_rate`, `grad_norm`, `rewards/chosen`, `rewards/rejected`,
  /// `rewards/margins`, `rewards/accuracies`, `logps/chosen`, `logps/rejected`, `nll_loss`, ….
  public var values: [String: Double]

  /// Creates a row.
  public init(stage: String, step: Int, values: [String: Double]) {
    self.stage = stage
    self.step = step
    self.values = values
  }

  /// The value of that name, where the row has it.
  public subscript(name: String) -> Double? { values[name] }

  /// The names in the order they are written.
  public var names: [String] { values.keys.sorted() }

  public var json: OrderedJSON {
    .object(
      [.init("stage", .string(stage)), .init("step", .integer(step))]
        + names.map { .init($0, .number(values[$0]!)) })
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Name.self)
    stage = try container.decode(String.self, forKey: Name("stage"))
    step = try container.decode(Int.self, forKey: Name("step"))
    values = [:]
    for key in container.allKeys where key.stringValue != "stage" && key.stringValue != "step" {
      values[key.stringValue] = try container.decodeIfPresent(Double.self, forKey: key)
    }
  }

  private struct Name: CodingKey {
    var stringValue: String
    var intValue: Int? { nil }
    init(_ name: String) { stringValue = name }
    init?(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }
}
