/// A `NodeProto`: one call of an operator.
struct OnnxNode: Sendable {
  /// The operator's name, behind its domain and a colon where that is not ONNX's own.
  let operation: String
  let domain: String
  /// The names of the values it takes; empty for one that is left out.
  let inputs: [String]
  /// The names of its results; empty for one that nobody needs.
  let outputs: [String]
  let attributes: [String: OnnxAttribute]

  init(_ message: ArraySlice<UInt8>, depth: Int) throws {
    var (operation, domain) = ("", "")
    var (inputs, outputs) = ([String](), [String]())
    var attributes: [String: OnnxAttribute] = [:]
    for field in try WireReader.fields(of: message) {
      switch field.number {
      case 1: inputs.append(try field.text())
      case 2: outputs.append(try field.text())
      case 4: operation = try field.text()
      case 5:
        let (name, attribute) = try OnnxAttribute.read(try field.bytes(), depth: depth)
        attributes[name] = attribute
      case 7: domain = try field.text()
      default: break
      }
    }
    self.domain = domain == "ai.onnx" ? "" : domain
    self.operation = self.domain.isEmpty ? operation : "\(self.domain):\(operation)"
    self.inputs = inputs
    self.outputs = outputs
    self.attributes = attributes
  }
}

/// An `AttributeProto` without its name.
enum OnnxAttribute: Sendable {
  case real(Float)
  case integer(Int)
  case text(String)
  case tensor(ArraySlice<UInt8>)
  case graph(OnnxGraph)
  case reals([Float])
  case integers([Int])
  case texts([String])

  static func read(_ message: ArraySlice<UInt8>, depth: Int) throws -> (name: String, value: OnnxAttribute) {
    var (name, kind) = ("", 0)
    var single: OnnxAttribute?
    var (reals, integers, texts) = ([Float](), [Int](), [String]())
    for field in try WireReader.fields(of: message) {
      switch field.number {
      case 1: name = try field.text()
      case 2: single = .real(try field.float())
      case 3: single = .integer(try field.integer())
      case 4: single = .text(try field.text())
      case 5: single = .tensor(try field.bytes())
      case 6: single = .graph(try OnnxGraph(try field.bytes(), depth: depth + 1))
      case 7: reals += try field.floats()
      case 8: integers += try field.integers()
      case 9: texts.append(try field.text())
      case 20: kind = try field.integer()
      default: break
      }
    }
    switch (kind, single) {
    case (6, _): return (name, .reals(reals))
    case (7, _): return (name, .integers(integers))
    case (8, _): return (name, .texts(texts))
    case (_, let single?): return (name, single)
    // A number of 0 or an empty text need not be written.
    case (1, nil): return (name, .real(0))
    case (2, nil): return (name, .integer(0))
    case (3, nil): return (name, .text(""))
    default: throw OnnxError("attribute `\(name)` of kind \(kind)")
    }
  }
}
