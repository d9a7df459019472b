import Records

/// What values a key accepts, for programs; people read the expectation.
indirect enum ConfigurationForm: Sendable {
  case integer(ClosedRange<Int>)
  /// A whole number, 0 or more, of any size.
  case count
  case number(NumberBounds)
  case flag
  case text
  case names([String])
  /// One of some whole numbers.
  case integers([Int])
  case null
  /// At least one; names and whole numbers each once.
  case list(ConfigurationForm)
  /// A mapping with some of these keys.
  case table([(key: String, form: ConfigurationForm)])
  case either([ConfigurationForm])

  private var isOneOfSome: Bool {
    switch self {
    case .names, .integers: true
    default: false
    }
  }

  /// The form in JSON Schema.
  var schema: [OrderedJSON.Member] {
    switch self {
    case .integer(let range):
      [
        .init("type", .string("integer")),
        .init("minimum", .integer(range.lowerBound)),
        .init("maximum", .integer(range.upperBound)),
      ]
    case .count:
      [.init("type", .string("integer")), .init("minimum", .integer(0))]
    case .number(let bounds): [.init("type", .string("number"))] + bounds.schema
    case .flag: [.init("type", .string("boolean"))]
    case .text: [.init("type", .string("string"))]
    case .names(let names): [.init("enum", .array(names.map { .string($0) }))]
    case .integers(let numbers):
      [.init("enum", .array(numbers.map { .integer($0) }))]
    case .null: [.init("type", .string("null"))]
    case .list(let element):
      [
        .init("type", .string("array")), .init("items", .object(element.schema)),
        .init("minItems", .integer(1)),
        .init("uniqueItems", .bool(element.isOneOfSome)),
      ]
    case .table(let entries):
      [
        .init("type", .string("object")),
        .init("properties", .object(entries.map { .init($0.key, .object($0.form.schema)) })),
        .init("additionalProperties", .bool(false)),
      ]
    case .either(let forms): [.init("anyOf", .array(forms.map { .object($0.schema) }))]
    }
  }
}

/// Numbers a key accepts, in words and as a test.
struct NumberBounds: Sendable {
  let words: String
  /// The smallest number and whether it is one of them.
  let lower: (number: Double, isIn: Bool)
  /// The largest number and whether it is one of them; `nil` for none.
  var upper: (number: Double, isIn: Bool)?

  func contains(_ number: Double) -> Bool {
    (lower.isIn ? number >= lower.number : number > lower.number)
      && (upper.map { $0.isIn ? number <= $0.number : number < $0.number } ?? true)
  }

  static let positive = NumberBounds(words: "a number above 0", lower: (0, false))
  static let notNegative = NumberBounds(words: "a number, 0 or more", lower: (0, true))
  static let share = NumberBounds(words: "a number from 0 to 1", lower: (0, true), upper: (1, true))
  static let belowOne = NumberBounds(
    words: "a number from 0 to below 1", lower: (0, true), upper: (1, false))
  static let belowHalf = NumberBounds(
    words: "a number from 0 to below 0.5", lower: (0, true), upper: (0.5, false))
  static let pixelSteps = NumberBounds(
    words: "a number from 0 to 1000000", lower: (0, true), upper: (1e6, true))
  static let epochs = NumberBounds(
    words: "a number above 0 and at most 1000000", lower: (0, false), upper: (1e6, true))
  static let scale = NumberBounds(
    words: "a number above 0 and at most 1", lower: (0, false), upper: (1, true))

  fileprivate var schema: [OrderedJSON.Member] {
    let low = lower.isIn ? "minimum" : "exclusiveMinimum"
    let high = upper?.isIn == false ? "exclusiveMaximum" : "maximum"
    return [.init(low, .number(lower.number))]
      + (upper.map { [.init(high, .number($0.number))] } ?? [])
  }
}
