/// Functions that every template can call, and the variable `loop`.
enum JinjaFunctions {
  static var all: [(String, JinjaFunction)] {
    [
      (
        "range",
        JinjaFunction("range") { call in
          try call.require("range", ["start", "stop", "step"])
          let bounds = try call.unnamed.map { value in
            guard let bound = value.whole else { throw JinjaError(call.line, "range of \(value.kind)") }
            return bound
          }
          guard let only = bounds.first, call.named.isEmpty else {
            throw JinjaError(call.line, "range without its end")
          }
          let (start, stop) = bounds.count == 1 ? (0, only) : (only, bounds[1])
          let step = bounds.count == 3 ? bounds[2] : 1
          guard step != 0 else { throw JinjaError(call.line, "range with the step 0") }
          let values = stride(from: start, to: stop, by: step).prefix(100_001).map(JinjaValue.integer)
          guard values.count <= 100_000 else {
            throw JinjaError(call.line, "range of more than 100000 numbers")
          }
          try call.line.make(elements: values.count)
          return .list(values)
        }
      ),
      ("namespace", JinjaFunction("namespace") { .namespace(JinjaNamespace(try mapping($0))) }),
      ("dict", JinjaFunction("dict") { .mapping(try mapping($0)) }),
      (
        "raise_exception",
        JinjaFunction("raise_exception") { call in
          try call.require("raise_exception", ["message"])
          let message = try call[0, "message"]?.written(call.line) ?? ""
          throw JinjaError(call.line, "the template refuses this: \(message)", isRaised: true)
        }
      ),
    ]
  }

  /// A mapping of another one and of named values.
  private static func mapping(_ call: JinjaCall) throws -> JinjaMapping {
    var result = JinjaMapping()
    guard call.unnamed.count < 2 else { throw JinjaError(call.line, "a mapping of several values") }
    switch call.unnamed.first {
    case nil: break
    case .mapping(let other)?: result = other
    case .namespace(let space)?: result = space.members
    case let other?:
      for pair in try other.elements(call.line) ?? [] {
        guard let parts = try pair.elements(call.line), parts.count == 2 else {
          throw JinjaError(call.line, "a mapping of \(other.kind)")
        }
        try result.set(parts[0], parts[1], call.line)
      }
    }
    for (name, value) in call.named {
      try result.set(.text(name), call.line.holding([value])[0], call.line)
    }
    return result
  }

  /// What a loop's body knows of it.
  static func loop(_ index: Int, _ elements: [JinjaValue], changes: JinjaNamespace) -> JinjaValue {
    let count = elements.count
    return .namespace(
      JinjaNamespace(
        JinjaMapping([
          "index": .integer(index + 1), "index0": .integer(index), "revindex": .integer(count - index),
          "revindex0": .integer(count - index - 1), "first": .boolean(index == 0),
          "last": .boolean(index == count - 1), "length": .integer(count), "depth": .integer(1),
          "depth0": .integer(0),
          "previtem": index > 0 ? elements[index - 1] : .undefined("loop.previtem"),
          "nextitem": index + 1 < count ? elements[index + 1] : .undefined("loop.nextitem"),
          "cycle": .function(
            JinjaFunction("cycle") { call in
              guard !call.unnamed.isEmpty else { throw JinjaError(call.line, "loop.cycle without values") }
              return call.unnamed[index % call.unnamed.count]
            }),
          "changed": .function(
            JinjaFunction("changed") { call in
              let key = JinjaValue.text("")
              let now = JinjaValue.list(try call.line.holding(call.unnamed))
              let before = try changes.members.value(of: key, call.line)
              try changes.members.set(key, now, call.line)
              return .boolean(try !(before?.equals(now, call.line) ?? false))
            }),
        ])))
  }
}
