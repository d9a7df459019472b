/// Methods of texts, lists and mappings.
enum JinjaMethods {
  private static let ofTexts: [String: [String]] = [
    "strip": ["chars"], "lstrip": ["chars"], "rstrip": ["chars"], "startswith": ["prefix"],
    "endswith": ["suffix"], "split": ["sep", "maxsplit"], "rsplit": ["sep", "maxsplit"], "splitlines": [],
    "replace": ["old", "new", "count"], "upper": [], "lower": [], "title": [], "capitalize": [],
    "find": ["sub"], "rfind": ["sub"], "count": ["sub"], "join": ["iterable"], "isdigit": [], "isalpha": [],
    "isalnum": [], "isspace": [], "isupper": [], "islower": [], "removeprefix": ["prefix"],
    "removesuffix": ["suffix"],
  ]
  private static let ofMappings: [String: [String]] = [
    "items": [], "keys": [], "values": [], "get": ["key", "default"],
  ]
  private static let ofLists: [String: [String]] = ["index": ["value"], "count": ["value"]]

  /// Names that a template can call; those of `loop` are among them.
  static let names = Set(ofTexts.keys).union(ofMappings.keys).union(ofLists.keys).union(["cycle", "changed"])

  /// The method of this name that a value has; nil where it has none.
  static func method(_ name: String, of value: JinjaValue) -> JinjaFunction? {
    switch value {
    case .text(let text):
      guard let parameters = ofTexts[name] else { return nil }
      return JinjaFunction(name) { call in
        try call.require(name, parameters)
        if !["startswith", "endswith"].contains(name) { try call.line.read(text) }
        return try JinjaMethods.text(name, text, call)
      }
    case .mapping(let mapping):
      guard let parameters = ofMappings[name] else { return nil }
      return JinjaFunction(name, isMethod: true) { call in
        try call.require(name, parameters)
        if name != "get" { try call.line.make(elements: mapping.members.count) }
        switch name {
        case "items": return .list(mapping.members.map { .tuple([$0.key, $0.value]) })
        case "keys": return .list(mapping.members.map(\.key))
        case "values": return .list(mapping.members.map(\.value))
        default:
          guard let key = call[0, "key"] else { throw JinjaError(call.line, "get without a key") }
          return try mapping.value(of: key, call.line) ?? call[1, "default"] ?? .none
        }
      }
    case .list(let values), .tuple(let values):
      guard let parameters = ofLists[name] else { return nil }
      return JinjaFunction(name, isMethod: true) { call in
        try call.require(name, parameters)
        guard let wanted = call[0, "value"] else { throw JinjaError(call.line, "\(name) without a value") }
        if name == "count" { return .integer(try values.count { try $0.equals(wanted, call.line) }) }
        guard let place = try values.firstIndex(where: { try $0.equals(wanted, call.line) }) else {
          throw JinjaError(call.line, "index of a value that is not in the list")
        }
        return .integer(place)
      }
    default: return nil
    }
  }

  private static func text(_ name: String, _ text: String, _ call: JinjaCall) throws -> JinjaValue {
    func string(_ place: Int, _ parameter: String) throws -> String {
      guard case .text(let value)? = call[place, parameter] else {
        let found = call[place, parameter]?.kind ?? "nothing"
        throw JinjaError(call.line, "\(name) of \(found), expected a text")
      }
      try call.line.read(value)
      return value
    }
    func optional(_ place: Int, _ parameter: String) throws -> String? {
      if case .none? = call[place, parameter] { return nil }
      return call[place, parameter] == nil ? nil : try string(place, parameter)
    }
    func most(_ place: Int, _ parameter: String) throws -> Int {
      guard let value = call[place, parameter] else { return -1 }
      guard let whole = value.whole else {
        throw JinjaError(call.line, "\(name) with \(value.kind) as its count")
      }
      return whole
    }
    func has(_ end: String) -> Bool {
      name == "startswith" || name == "removeprefix"
        ? text.utf8.starts(with: end.utf8) : text.utf8.reversed().starts(with: end.utf8.reversed())
    }
    func list(_ parts: [String]) throws -> JinjaValue {
      try call.line.make(elements: parts.count)
      return .list(parts.map(JinjaValue.text))
    }
    func all(_ test: (Unicode.Scalar) -> Bool) -> JinjaValue {
      .boolean(!text.isEmpty && text.unicodeScalars.allSatisfy(test))
    }
    switch name {
    case "strip": return .text(JinjaStrings.stripped(text, try optional(0, "chars")))
    case "lstrip": return .text(JinjaStrings.stripped(text, try optional(0, "chars"), end: false))
    case "rstrip": return .text(JinjaStrings.stripped(text, try optional(0, "chars"), start: false))
    case "startswith", "endswith":
      if case .tuple(let ends)? = call.unnamed.first {
        return .boolean(ends.contains { if case .text(let end) = $0 { has(end) } else { false } })
      }
      return .boolean(has(try string(0, name == "startswith" ? "prefix" : "suffix")))
    case "removeprefix":
      let end = try string(0, "prefix")
      return .text(has(end) ? String(text.unicodeScalars.dropFirst(end.unicodeScalars.count)) : text)
    case "removesuffix":
      let end = try string(0, "suffix")
      return .text(has(end) ? String(text.unicodeScalars.dropLast(end.unicodeScalars.count)) : text)
    case "split", "rsplit":
      let most = try most(1, "maxsplit")
      guard let separator = try optional(0, "sep") else {
        guard name == "split" || most < 0 else {
          throw JinjaError(call.line, "rsplit at blanks with a count, which is not computed here")
        }
        return try list(JinjaStrings.words(text, most: most))
      }
      guard !separator.isEmpty else { throw JinjaError(call.line, "\(name) at an empty text") }
      return .list(
        try JinjaStrings.split(text, separator, most: most, fromEnd: name == "rsplit", call.line)
          .map(JinjaValue.text))
    case "splitlines": return try list(JinjaStrings.lines(text))
    case "replace":
      return .text(
        try JinjaStrings.replaced(
          text, string(0, "old"), string(1, "new"), most: most(2, "count"), call.line))
    case "upper": return .text(text.uppercased())
    case "lower": return .text(text.lowercased())
    case "title": return .text(JinjaStrings.title(text))
    case "capitalize": return .text(JinjaStrings.capitalized(text))
    case "find", "rfind":
      return .integer(JinjaStrings.find(try string(0, "sub"), in: text, last: name == "rfind"))
    case "count": return .integer(JinjaStrings.count(try string(0, "sub"), in: text))
    case "join":
      let parts = try (call[0, "iterable"]?.elements(call.line) ?? []).map { value in
        guard case .text(let part) = value else { throw JinjaError(call.line, "join of \(value.kind)") }
        return part
      }
      return .text(try call.line.joined(parts, by: text))
    case "isdigit":
      return all { $0.properties.numericType == .decimal || $0.properties.numericType == .digit }
    case "isalpha": return all { isLetter($0) }
    case "isalnum": return all { isLetter($0) || $0.properties.numericType != nil }
    case "isspace": return all(JinjaStrings.isSpace)
    default:
      let test = JinjaCall(line: call.line)
      return .boolean(try JinjaTests.holds(name == "isupper" ? "upper" : "lower", .text(text), test))
    }
  }

  private static func isLetter(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: true
    default: false
    }
  }
}
