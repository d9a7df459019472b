import Records

/// An object of a file that is being read as a pair, and which of its keys have been.
struct PairRecord {
  private let json: OrderedJSON
  private let members: [OrderedJSON.Member]
  private var taken: Set<String> = []

  /// - Throws: what was found in place of an object.
  init(_ json: OrderedJSON) throws(RecordProblem) {
    guard case .object(let members) = json else {
      throw RecordProblem("expected an object, found \(json.kind)")
    }
    self.json = json
    self.members = members
  }

  /// The keys that nobody has asked for, in their order.
  var rest: [OrderedJSON.Member] { members.filter { !taken.contains($0.key) } }

  /// Whether a key is there with more than `null`.
  func has(_ key: String) -> Bool { ![nil, .null].contains(json[key: key]) }

  /// The value of a key; `nil` where it is absent or `null`.
  mutating func take(_ key: String) -> OrderedJSON? {
    taken.insert(key)
    return has(key) ? json[key: key] : nil
  }

  /// The text of a key that must be there and have one.
  mutating func text(_ key: String) throws(RecordProblem) -> String {
    guard let value = take(key) else {
      throw RecordProblem(
        json[key: key] == nil ? "has no \"\(key)\"" : "\"\(key)\": expected a string, found null")
    }
    guard let text = value.text else {
      throw RecordProblem("\"\(key)\": expected a string, found \(value.kind)")
    }
    guard !text.allSatisfy(\.isWhitespace) else { throw RecordProblem("\"\(key)\" is empty") }
    return text
  }

  /// The name that a key has; `nil` where it is absent or `null`.
  mutating func id(_ key: String) throws(RecordProblem) -> String? {
    switch take(key) {
    case nil: return nil
    case .string(let text): return text
    case .integer(let number): return String(number)
    case .some(let other):
      throw RecordProblem("\"\(key)\": expected a string or a whole number, found \(other.kind)")
    }
  }

  /// The ground truth, which only our own format has as a key; a text under `gt` elsewhere was written by us.
  mutating func groundTruth() -> String? {
    guard let text = json[key: "gt"]?.text, !text.allSatisfy(\.isWhitespace) else { return nil }
    taken.insert("gt")
    return text
  }

  /// Refuses what a conversation may have elsewhere and not here; a key without anything is nothing.
  mutating func refuse(_ keys: [String]) throws(RecordProblem) {
    for key in keys {
      switch json[key: key] {
      case nil: continue
      case .null, .string(""), .array([]), .object([]): taken.insert(key)
      case .some:
        throw RecordProblem(
          "has \"\(key)\", expected pictures and texts alone: tools, videos and sounds are not read")
      }
    }
  }
}

/// Columns with the pictures of a pair.
enum PairPictures {
  /// The pictures under `images`, or under `image` in its place.
  /// - Throws: what was found, also where both are there.
  static func taken(
    from record: inout PairRecord
  ) throws(RecordProblem) -> (paths: [String], key: String) {
    guard !(record.has("images") && record.has("image")) else {
      throw RecordProblem("has \"images\" and \"image\", expected one of them")
    }
    let key = record.has("image") ? "image" : "images"
    let columns = (record.take("images"), record.take("image"))
    return (try paths(columns.0 ?? columns.1, key: key), key)
  }

  /// Paths, objects with a `path`, or a single one of both; none for an absent column and `""`.
  /// - Throws: what was found, also of a picture inside the record.
  static func paths(_ value: OrderedJSON?, key: String) throws(RecordProblem) -> [String] {
    switch value {
    case nil, .null, .string(""): return []
    case .array(let list):
      var paths: [String] = []
      for (index, entry) in list.enumerated() {
        paths.append(try path(entry, place: "picture \(index + 1) of \"\(key)\""))
      }
      return paths
    case .some(let one): return [try path(one, place: "\"\(key)\"")]
    }
  }

  /// A path, or an object with one.
  static func path(_ value: OrderedJSON, place: String) throws(RecordProblem) -> String {
    let found: String
    switch value {
    case .string(let text): found = text
    case .object(let members):
      guard [nil, .null].contains(value[key: "bytes"]) else {
        throw RecordProblem("\(place): \(insideRecord)")
      }
      if let other = members.first(where: { !["path", "bytes"].contains($0.key) && $0.value != .null }) {
        throw RecordProblem("\(place): expected the keys \"path\" and \"bytes\", found \"\(other.key)\"")
      }
      guard let path = value[key: "path"]?.text else {
        throw RecordProblem(
          "\(place): expected \"path\" to be a string, found \(value[key: "path"]?.kind ?? "none")")
      }
      found = path
    default: throw RecordProblem("\(place): expected a path, found \(value.kind)")
    }
    guard !found.allSatisfy(\.isWhitespace) else {
      throw RecordProblem("\(place): expected a path, found an empty text")
    }
    guard !isEmbedded(found) else { throw RecordProblem("\(place): \(insideRecord)") }
    return found
  }

  /// Whether a text is a picture and not the name of one.
  static func isEmbedded(_ text: String) -> Bool {
    if text.hasPrefix("data:") { return true }
    guard text.utf8.count > 512 else { return false }
    return text.utf8.allSatisfy {
      switch $0 {
      case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "/"), UInt8(ascii: "="),
        UInt8(ascii: "\n"), UInt8(ascii: "\r"):
        true
      default: false
      }
    }
  }

  static let insideRecord =
    "has a picture inside the record, expected the path of a file; "
    + "scripts/parquet-to-pairs writes the pictures of a Parquet file into a folder"
}
