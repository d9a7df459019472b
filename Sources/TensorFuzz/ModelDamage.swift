import Checkpoint
import Foundation
import Tensor

/// Changes one file of a model: its bytes, the values of its JSON, or the file as a whole.
enum ModelDamage {
  /// Changes a file of a folder.
  ///
  /// - Parameter others: the model's files, of which another may take the place of this one.
  static func apply(
    to path: String, in folder: URL, of others: [String: Data], using generator: inout RandomGenerator
  ) throws {
    let url = folder.appending(path: path)
    let bytes = [UInt8](others[path] ?? Data())
    func write(_ data: Data) throws { try data.write(to: url) }
    switch generator.integer(below: 16) {
    case 0: try whole(url, others, using: &generator)
    case 1..<9 where path.hasSuffix(".json"):
      guard let json = bytes.withUnsafeBytes({ try? JSONReader.read($0) }) else { fallthrough }
      var changed = json
      for _ in 0...generator.integer(below: 3) { changed = change(changed, using: &generator) }
      try write(Data(text(changed).utf8))
    default:
      try write(Data(Mutation.input([FuzzSample(bytes: bytes)], using: &generator)))
    }
  }

  /// Takes the file away, or puts something else in its place.
  private static func whole(
    _ url: URL, _ others: [String: Data], using generator: inout RandomGenerator
  ) throws {
    let manager = FileManager.default
    try manager.removeItem(at: url)
    switch generator.integer(below: 8) {
    case 0: return
    case 1: try Data().write(to: url)
    case 2: try manager.createDirectory(at: url, withIntermediateDirectories: false)
    case 3: try manager.createSymbolicLink(atPath: url.path, withDestinationPath: url.lastPathComponent)
    case 4: try manager.createSymbolicLink(atPath: url.path, withDestinationPath: "/dev/zero")
    case 5: try manager.createSymbolicLink(atPath: url.path, withDestinationPath: "nothing-there")
    case 6:
      let keys = others.keys.sorted()
      try (others[keys[generator.integer(below: keys.count)]] ?? Data()).write(to: url)
    default:
      try Data("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n".utf8).write(to: url)
    }
  }

  private static let values: [JSONValue] = [
    .null, .boolean(true), .boolean(false), .integer(0), .integer(-1), .integer(1), .integer(7),
    .integer(1 << 20), .integer(1 << 31), .integer(.max), .integer(.min), .real(0.5), .real(-1e300),
    .real(1e300), .string(""), .string("x"), .string("<image>"), .string("../x"), .string("\u{0}"),
    .string("é"), .array([]), .array([.integer(1), .integer(2)]), .array([.string("x")]), .object([]),
    .object([(key: "x", value: .integer(1))]),
  ]

  /// The value with one place inside changed.
  private static func change(_ value: JSONValue, using generator: inout RandomGenerator) -> JSONValue {
    func odd() -> JSONValue { values[generator.integer(below: values.count)] }
    switch value {
    case .object(var members) where !members.isEmpty && generator.integer(below: 12) > 0:
      let place = generator.integer(below: members.count)
      switch generator.integer(below: 12) {
      case 0: members.remove(at: place)
      case 1: members.append(members[place])
      case 2: members[place].key += "x"
      case 3: members.append((key: "another_key", value: odd()))
      case 4: members[place].value = members[generator.integer(below: members.count)].value
      default: members[place].value = change(members[place].value, using: &generator)
      }
      return .object(members)
    case .array(var elements) where !elements.isEmpty && generator.integer(below: 8) > 0:
      let place = generator.integer(below: elements.count)
      switch generator.integer(below: 6) {
      case 0: elements.remove(at: place)
      case 1: elements.append(elements[place])
      case 2: elements.swapAt(place, 0)
      default: elements[place] = change(elements[place], using: &generator)
      }
      return .array(elements)
    case .integer(let number) where generator.integer(below: 2) == 0:
      return .integer(number &+ [1, -1, number, 1 << 10][generator.integer(below: 4)])
    default: return odd()
    }
  }

  private static func text(_ value: JSONValue) -> String {
    switch value {
    case .object(let members):
      "{" + members.map { "\(jsonLiteral($0.key)):\(text($0.value))" }.joined(separator: ",") + "}"
    case .array(let elements): "[" + elements.map(text).joined(separator: ",") + "]"
    case .string(let string): jsonLiteral(string)
    case .integer(let number): "\(number)"
    case .real(let number): "\(number)"
    case .boolean(let flag): "\(flag)"
    case .null: "null"
    }
  }
}
