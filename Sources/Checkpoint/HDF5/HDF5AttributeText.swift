/// Attributes of an HDF5 file as one text: JSON from path to name to type to value, and the shape of lists
/// that have several axes. Floating-point numbers are text, which holds all of them exactly.
enum HDF5AttributeText {
  struct Object {
    var path: String
    var attributes: [(name: String, value: HDF5Attribute, shape: [Int])]
  }

  static let key = "hdf5.attributes"

  static func text(of objects: [Object]) -> String {
    func object(_ members: [(String, String)]) -> String {
      "{" + members.map { "\(jsonLiteral($0.0)):\($0.1)" }.joined(separator: ",") + "}"
    }
    func list(_ elements: [String]) -> String { "[" + elements.joined(separator: ",") + "]" }
    return object(
      objects.map { item in
        (
          item.path,
          object(
            item.attributes.map { name, value, shape in
              let typed: (String, String) =
                switch value {
                case .string(let text): ("string", jsonLiteral(text))
                case .strings(let texts): ("strings", list(texts.map(jsonLiteral)))
                case .integer(let number): ("integer", "\(number)")
                case .integers(let numbers): ("integers", list(numbers.map { "\($0)" }))
                case .real(let number): ("real", "\"\(number)\"")
                case .reals(let numbers): ("reals", list(numbers.map { "\"\($0)\"" }))
                case .boolean(let value): ("boolean", "\(value)")
                }
              let axes = shape.count > 1 ? [("shape", list(shape.map { "\($0)" }))] : []
              return (name, object([typed] + axes))
            })
        )
      })
  }

  /// - Throws: ``CheckpointError`` of kind `damaged` for a text that ``text(of:)`` does not write.
  static func objects(in text: String, file: String) throws -> [Object] {
    let failure = CheckpointError(
      .damaged, file: file, at: "__metadata__.\(key)", found: "another text",
      expected: "the attributes of an HDF5 file as this program writes them")
    let bytes = Array(text.utf8)
    guard case .object(let objects)? = try? bytes.withUnsafeBytes({ try JSONReader.read($0) }) else {
      throw failure
    }
    return try objects.map { path, attributes in
      guard case .object(let attributes) = attributes, path.hasPrefix("/") else { throw failure }
      return Object(
        path: path,
        attributes: try attributes.map { name, typed in
          guard case .object(let members) = typed, let first = members.first, members.count <= 2,
            let value = Self.value(first), let shape = Self.shape(members.dropFirst().first, of: value)
          else {
            throw failure
          }
          return (name, value, shape)
        })
    }
  }

  /// The shape of a value: that of a second member, which must hold as many elements.
  private static func shape(_ stated: (key: String, value: JSONValue)?, of value: HDF5Attribute) -> [Int]? {
    let count: Int
    switch value {
    case .strings(let texts): count = texts.count
    case .integers(let numbers): count = numbers.count
    case .reals(let numbers): count = numbers.count
    default: return stated == nil ? [] : nil
    }
    guard let stated else { return [count] }
    guard stated.key == "shape", case .array(let elements) = stated.value, (2...32).contains(elements.count)
    else { return nil }
    var (shape, product) = ([Int](), 1)
    for case .integer(let extent) in elements where extent >= 0 {
      let (next, overflows) = product.multipliedReportingOverflow(by: extent)
      if overflows { return nil }
      product = next
      shape.append(extent)
    }
    return shape.count == elements.count && product == count ? shape : nil
  }

  private static func value(_ typed: (key: String, value: JSONValue)) -> HDF5Attribute? {
    func text(_ value: JSONValue) -> String? { if case .string(let text) = value { text } else { nil } }
    func integer(_ value: JSONValue) -> Int64? {
      if case .integer(let number) = value { Int64(number) } else { nil }
    }
    func real(_ value: JSONValue) -> Double? { text(value).flatMap(Double.init) }
    func all<Element>(_ value: JSONValue, _ element: (JSONValue) -> Element?) -> [Element]? {
      guard case .array(let elements) = value else { return nil }
      let found = elements.compactMap(element)
      return found.count == elements.count ? found : nil
    }
    switch typed.key {
    case "string": return text(typed.value).map(HDF5Attribute.string)
    case "strings": return all(typed.value, text).map(HDF5Attribute.strings)
    case "integer": return integer(typed.value).map(HDF5Attribute.integer)
    case "integers": return all(typed.value, integer).map(HDF5Attribute.integers)
    case "real": return real(typed.value).map(HDF5Attribute.real)
    case "reals": return all(typed.value, real).map(HDF5Attribute.reals)
    case "boolean": if case .boolean(let value) = typed.value { return .boolean(value) } else { return nil }
    default: return nil
    }
  }
}
