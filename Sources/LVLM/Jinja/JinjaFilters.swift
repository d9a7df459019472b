/// What can stand behind `|`.
enum JinjaFilters {
  /// Names of arguments, in their order.
  private static let parameters: [String: [String]] = [
    "trim": ["chars"], "upper": [], "lower": [], "capitalize": [], "title": [], "length": [], "count": [],
    "join": ["d", "attribute"], "default": ["default_value", "boolean"], "d": ["default_value", "boolean"],
    "replace": ["old", "new", "count"], "first": [], "last": [], "list": [], "string": [], "int": ["default"],
    "float": ["default"], "items": [], "safe": [], "abs": [], "reverse": [], "attr": ["name"],
    "round": ["precision", "method"], "sum": ["attribute", "start"], "max": ["attribute"],
    "min": ["attribute"], "unique": ["attribute"], "sort": ["reverse", "case_sensitive", "attribute"],
    "indent": ["width", "first", "blank"], "dictsort": [],
    "tojson": ["ensure_ascii", "indent", "separators", "sort_keys"],
  ]
  private static let withNames: Set<String> = ["map", "select", "reject", "selectattr", "rejectattr"]

  static let names = Set(parameters.keys).union(withNames)

  static func result(_ name: String, _ value: JinjaValue, _ call: JinjaCall) throws -> JinjaValue {
    let line = call.line
    if withNames.contains(name) { return .generator(try chosen(name, value, call)) }
    try call.require("the filter \(name)", parameters[name] ?? [])
    func read(_ value: JinjaValue) throws -> String {
      let text = try value.written(line)
      try line.read(text)
      return text
    }
    func text() throws -> String { try read(value) }
    func elements() throws -> [JinjaValue] { try self.elements(name, value, line) }
    switch name {
    case "trim":
      var set: String?
      if let chars = call[0, "chars"], !chars.isNone { set = try read(chars) }
      return .text(JinjaStrings.stripped(try text(), set))
    case "upper": return .text(try text().uppercased())
    case "lower": return .text(try text().lowercased())
    case "capitalize": return .text(JinjaStrings.capitalized(try text()))
    case "title": return .text(titled(try text()))
    case "length", "count":
      if case .text(let text) = value { try line.read(text) }
      guard let count = value.count else { throw JinjaError(line, "length of \(value.kind)") }
      return .integer(count)
    case "join":
      let separator = try call[0, "d"]?.written(line) ?? ""
      return .text(
        try line.joined(
          elements().map { try attribute(call[1, "attribute"], of: $0, line).written(line) },
          by: separator))
    case "default", "d":
      let isMissing = value.isUndefined || (call[1, "boolean"]?.isTrue ?? false) && !value.isTrue
      return isMissing ? call[0, "default_value"] ?? .text("") : value
    case "replace":
      guard let old = call[0, "old"], let new = call[1, "new"] else {
        throw JinjaError(line, "the filter replace without its two texts")
      }
      return .text(
        try JinjaStrings.replaced(
          text(), read(old), new.written(line), most: call[2, "count"]?.whole ?? -1, line))
    case "first": return try elements().first ?? .undefined("the first of nothing")
    case "last": return try elements().last ?? .undefined("the last of nothing")
    case "list": return .list(try elements())
    case "string": return .text(try text())
    case "safe": return value
    case "int", "float":
      if case .text(let text) = value { try line.read(text) }
      let (found, usual) = name == "int" ? (int(value), JinjaValue.integer(0)) : (float(value), .real(0))
      return found ?? call[0, "default"] ?? usual
    case "items":
      if value.isUndefined { return .generator([]) }
      guard case .mapping(let mapping) = value else { throw JinjaError(line, "items of \(value.kind)") }
      try line.make(elements: mapping.members.count)
      return .generator(mapping.members.map { .tuple([$0.key, $0.value]) })
    case "reverse":
      if case .text = value { return .text(String(try text().unicodeScalars.reversed())) }
      let all = try elements()
      try line.make(elements: all.count)
      return .generator(all.reversed())
    case "attr":
      return try JinjaMembers.attribute(call[0, "name"]?.written(line) ?? "", of: value, line)
    case "tojson": return .text(try json(value, call))
    case "indent": return .text(try indented(try text(), call))
    default: return try JinjaNumberFilters.result(name, value, call)
    }
  }

  static func elements(_ name: String, _ value: JinjaValue, _ line: JinjaLine) throws -> [JinjaValue] {
    guard let elements = try value.elements(line) else {
      throw JinjaError(line, "the filter \(name) of \(value.kind), expected a list")
    }
    return elements
  }

  /// The value at a path of names and places with dots between them; the value itself for no path.
  static func attribute(_ path: JinjaValue?, of value: JinjaValue, _ line: JinjaLine) throws -> JinjaValue {
    switch path {
    case nil, .none?: return value
    case .integer?: return try JinjaMembers.element(path!, of: value, line)
    case let path?:
      let path = try path.written(line)
      try line.read(path)
      return try path.split(separator: ".").reduce(value) { value, name in
        try JinjaMembers.element(Int(name).map(JinjaValue.integer) ?? .text(String(name)), of: value, line)
      }
    }
  }

  /// The filters that are given an attribute, a test or another filter.
  private static func chosen(_ name: String, _ value: JinjaValue, _ call: JinjaCall) throws -> [JinjaValue] {
    let (line, all) = (call.line, try elements(name, value, call.line))
    try line.make(elements: all.count)
    var rest = call
    if name == "map" {
      if call.unnamed.isEmpty {
        try call.require("the filter map", ["attribute", "default"])
        let path = call[0, "attribute"]
        guard path != nil else { throw JinjaError(line, "the filter map without a name") }
        return try all.map { element in
          let found = try attribute(path, of: element, line)
          return found.isUndefined ? call[1, "default"] ?? found : found
        }
      }
      let filter = try rest.unnamed.removeFirst().written(line)
      guard names.contains(filter) else {
        throw JinjaError(line, "a filter \(filter), which is not computed here")
      }
      return try all.map { try result(filter, $0, rest) }
    }
    var path: JinjaValue?
    if name.hasSuffix("attr") {
      guard !rest.unnamed.isEmpty else { throw JinjaError(line, "the filter \(name) without a name") }
      path = rest.unnamed.removeFirst()
    }
    var test: String?
    if !rest.unnamed.isEmpty {
      let name = try rest.unnamed.removeFirst().written(line)
      guard JinjaTests.names.contains(name) || ["==", "!=", "<", ">", "<=", ">="].contains(name) else {
        throw JinjaError(line, "a test \(name), which is not computed here")
      }
      test = name
    }
    return try all.filter { element in
      let found = try attribute(path, of: element, line)
      let holds = try test.map { try JinjaTests.holds($0, found, rest) } ?? found.isTrue
      return holds != name.hasPrefix("reject")
    }
  }

  private static func int(_ value: JinjaValue) -> JinjaValue? {
    switch value {
    case .text(let text):
      let trimmed = JinjaStrings.stripped(text, nil)
      return (Int(trimmed) ?? Double(trimmed).flatMap { Int(exactly: $0.rounded(.towardZero)) })
        .map(JinjaValue.integer)
    case .real(let value): return Int(exactly: value.rounded(.towardZero)).map(JinjaValue.integer)
    default: return value.whole.map(JinjaValue.integer)
    }
  }

  private static func float(_ value: JinjaValue) -> JinjaValue? {
    if case .text(let text) = value { return Double(JinjaStrings.stripped(text, nil)).map(JinjaValue.real) }
    return value.number.map(JinjaValue.real)
  }

  /// A capital at the beginning of every word, words being what blanks, dashes and brackets begin.
  private static func titled(_ text: String) -> String {
    var result = ""
    var isFirst = true
    for scalar in text.unicodeScalars {
      result += isFirst ? scalar.properties.uppercaseMapping : scalar.properties.lowercaseMapping
      isFirst = scalar.properties.isWhitespace || ["-", "(", "{", "[", "<"].contains(scalar)
    }
    return result
  }

  private static func indented(_ text: String, _ call: JinjaCall) throws -> String {
    let width = call[0, "width"] ?? .integer(4)
    let indent = try width.whole.map { try call.line.repeated(" ", $0) } ?? width.written(call.line)
    let lines = try JinjaStrings.split(text + "\n", "\n", call.line)
    try call.line.make(bytes: indent.utf8.count.multipliedReportingOverflow(by: lines.count))
    let isBlankToo = call[2, "blank"]?.isTrue ?? false
    // Of a text that ends with a line break, the line behind it stays.
    let all = lines.dropLast().enumerated().map { index, line in
      index > 0 && (isBlankToo || !line.isEmpty) ? indent + line : line
    }
    return ((call[1, "first"]?.isTrue ?? false) ? indent : "") + (try call.line.joined(all, by: "\n"))
  }

  private static func json(_ value: JinjaValue, _ call: JinjaCall) throws -> String {
    var json = JinjaJSON(line: call.line)
    json.isASCII = call[0, "ensure_ascii"]?.isTrue ?? false
    json.sortsKeys = call[3, "sort_keys"]?.isTrue ?? false
    if let indent = call[1, "indent"], !indent.isNone {
      json.indent = try indent.whole.map { try call.line.repeated(" ", $0) } ?? indent.written(call.line)
      json.item = ","
    }
    if let parts = try call[2, "separators"]?.elements(call.line), parts.count == 2 {
      json.item = try parts[0].written(call.line)
      json.key = try parts[1].written(call.line)
    }
    return try json.text(value)
  }
}
