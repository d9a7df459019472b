import DPOTrain
import Records

extension BenchmarkResult {
  /// A row per group: how many rows, accuracy of each method in per cent with its interval, answers that
  /// could not be read, circular accuracy and F1 where there are any.
  package var table: TextTable {
    let methods = Method.allCases.filter { groups.first?.counts[$0] != nil }
    let hasOrders = groups.contains { !$0.circular.isEmpty }
    let hasYes = groups.contains { !$0.yes.isEmpty }
    var header = ["", "n"]
    for method in methods {
      header.append(method.title)
      if method == .generated { header.append("not read") }
      if hasOrders { header.append("circular") }
      if hasYes { header.append("F1") }
    }
    let rows = groups.map { group in
      var cells = [group.title, String(group.rows)]
      for method in methods {
        let count = group.counts[method] ?? Count()
        cells.append(Self.text(count, of: group.rows))
        if method == .generated { cells.append(String(count.unread)) }
        if hasOrders { cells.append(group.circular[method].map { Self.text($0, of: $0.rows) } ?? "–") }
        if hasYes { cells.append(Format.percent(group.yes[method]?.f1)) }
      }
      return cells
    }
    return TextTable(header: header, rows: rows)
  }

  /// `46.1 [40.6, 51.7]`, with the number of rows where it is not all of them.
  private static func text(_ count: Count, of rows: Int) -> String {
    guard let accuracy = count.accuracy else { return "–" }
    return Format.interval(accuracy.estimate, accuracy.low, accuracy.high)
      + (count.rows == rows ? "" : " of \(count.rows)")
  }

  /// The groups, with every number.
  package var json: OrderedJSON {
    .array(
      groups.map { group in
        var members: [OrderedJSON.Member] = [
          .init("split", group.split.map(OrderedJSON.string) ?? .null),
          .init("column", group.column.map(OrderedJSON.string) ?? .null),
          .init("value", group.value.map(OrderedJSON.string) ?? .null), .init("rows", .integer(group.rows)),
        ]
        for method in Method.allCases {
          guard let count = group.counts[method] else { continue }
          var values = Self.members(count) + [.init("not_read", .integer(count.unread))]
          if let circular = group.circular[method] {
            values.append(.init("circular", .object(Self.members(circular))))
          }
          if let yes = group.yes[method] {
            values += [
              .init("f1", .number(yes.f1)), .init("precision", .number(yes.precision)),
              .init("recall", .number(yes.recall)),
            ]
          }
          members.append(.init(method.rawValue, .object(values)))
        }
        return .object(members)
      })
  }

  private static func members(_ count: Count) -> [OrderedJSON.Member] {
    [
      .init("accuracy", .optional(count.accuracy?.estimate)), .init("low", .optional(count.accuracy?.low)),
      .init("high", .optional(count.accuracy?.high)), .init("right", .integer(count.right)),
      .init("n", .integer(count.rows)),
    ]
  }
}

extension BenchmarkResult.Method {
  /// The head of its column.
  var title: String {
    switch self {
    case .generated: "generated"
    case .letter: "likeliest letter"
    case .sum: "likeliest text"
    case .mean: "likeliest per token"
    }
  }
}
