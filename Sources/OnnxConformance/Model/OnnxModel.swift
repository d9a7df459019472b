/// A `ModelProto`: a graph and the version of the operator set that it is written in.
struct OnnxModel: Sendable {
  let graph: OnnxGraph
  /// The version of the operators of each domain; that of ONNX's own is "".
  let versions: [String: Int]

  init(_ message: ArraySlice<UInt8>) throws {
    var graph: OnnxGraph?
    var versions: [String: Int] = [:]
    for field in try WireReader.fields(of: message) {
      switch field.number {
      case 7: graph = try OnnxGraph(try field.bytes())
      case 8:
        var (domain, version) = ("", 0)
        for part in try WireReader.fields(of: try field.bytes()) {
          if part.number == 1 { domain = try part.text() }
          if part.number == 2 { version = try part.integer() }
        }
        versions[domain == "ai.onnx" ? "" : domain] = version
      case 25: throw OnnxError("a model with functions of its own")
      default: break
      }
    }
    guard let graph else { throw OnnxError("a model without a graph") }
    self.graph = graph
    self.versions = versions
  }
}

/// A `GraphProto`: nodes in an order in which every one finds its inputs.
struct OnnxGraph: Sendable {
  let nodes: [OnnxNode]
  let initializers: [(name: String, message: ArraySlice<UInt8>)]
  let inputs: [String]
  let outputs: [String]

  /// - Parameter depth: how many graphs are around this one.
  init(_ message: ArraySlice<UInt8>, depth: Int = 0) throws {
    guard depth < 16 else { throw OnnxError("graphs within graphs, more than 16 of them") }
    var (nodes, inputs, outputs) = ([OnnxNode](), [String](), [String]())
    var initializers: [(name: String, message: ArraySlice<UInt8>)] = []
    for field in try WireReader.fields(of: message) {
      switch field.number {
      case 1: nodes.append(try OnnxNode(try field.bytes(), depth: depth))
      case 5:
        let tensor = try field.bytes()
        let name = try WireReader.fields(of: tensor).first { $0.number == 8 }?.text()
        initializers.append((name ?? "", tensor))
      case 11: inputs.append(try Self.nameOfValue(try field.bytes()))
      case 12: outputs.append(try Self.nameOfValue(try field.bytes()))
      case 15: throw OnnxError("a sparse tensor")
      default: break
      }
    }
    self.nodes = nodes
    self.initializers = initializers
    self.inputs = inputs
    self.outputs = outputs
  }

  private static func nameOfValue(_ message: ArraySlice<UInt8>) throws -> String {
    for field in try WireReader.fields(of: message) where field.number == 2 {
      let kinds = try WireReader.fields(of: try field.bytes()).map(\.number)
      if kinds.contains(4) { throw OnnxError("a sequence of tensors") }
      if kinds.contains(9) { throw OnnxError("an optional value") }
    }
    return try WireReader.fields(of: message).first { $0.number == 1 }?.text() ?? ""
  }
}
