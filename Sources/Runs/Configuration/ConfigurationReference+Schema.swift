import Records

extension ConfigurationReference {
  /// A JSON Schema (draft 7) of the configuration file, for editors: keys, types, bounds, defaults and what
  /// they mean. What values must be together is only checked when a configuration is read.
  public static var jsonSchema: String {
    let rows = RunConfiguration().rows("")
    let members: [OrderedJSON.Member] = [
      .init("$schema", .string("http://json-schema.org/draft-07/schema#")),
      .init("title", .string("dpotrain configuration")),
    ]
    let tree = section(rows.map { ($0.key.split(separator: ".").map(String.init)[...], $0) })
    return OrderedJSON.object(members + tree).pretty
  }

  /// A section with its keys in their order; nothing stands for no keys.
  private static func section(
    _ rows: [(path: ArraySlice<String>, row: ConfigurationRow)]
  ) -> [OrderedJSON.Member] {
    var names: [String] = []
    for (path, _) in rows where !names.contains(path.first!) { names.append(path.first!) }
    let properties = names.map { name in
      let own = rows.filter { $0.path.first == name }
      let value =
        own.count == 1 && own[0].path.count == 1
        ? leaf(own[0].row) : section(own.map { ($0.path.dropFirst(), $0.row) })
      return OrderedJSON.Member(name, .object(value))
    }
    return [
      .init("type", .array([.string("object"), .string("null")])),
      .init("properties", .object(properties)),
      .init("additionalProperties", .bool(false)),
    ]
  }

  private static func leaf(_ row: ConfigurationRow) -> [OrderedJSON.Member] {
    var members: [OrderedJSON.Member] = [
      .init("description", .string("\(row.summary) Default: \(row.value)."))
    ]
    if let value = row.defaultValue { members.append(.init("default", value)) }
    return members + row.form.schema
  }
}

extension ConfigurationRow {
  /// The value as JSON, where it is a single one.
  fileprivate var defaultValue: OrderedJSON? {
    switch form {
    case .integer, .count, .number: .spelled(value)
    case .flag: .bool(value == "true")
    case .text: value.hasPrefix("\"") ? nil : .string(value)
    case .names: .string(value)
    case .either where value == "null": .null
    case .integers, .null, .list, .table, .either: nil
    }
  }
}
