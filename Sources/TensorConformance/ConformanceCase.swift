import Checkpoint
import Foundation
import Tensor

/// One operator with its stored inputs and expected results, as `ops.json` lists it.
struct ConformanceCase {
  /// A stored array and the views that turn it into what the operator sees.
  struct Input {
    let path: String
    let views: [ViewStep]
    /// Where the expected gradient of the stored array is; nil when it has none.
    let gradient: String?
  }

  /// An expected result and the gradient that is fed into it.
  struct Output {
    let path: String
    let shape: [Int]
    let cotangent: String?
  }

  /// A case, or why it cannot be understood.
  typealias Entry = (name: String, content: Result<ConformanceCase, any Error>)

  let name: String
  let expression: String
  let attributes: [String: JSONValue]
  let inputs: [Input]
  let outputs: [Output]

  /// The part of the name before the first dot.
  var family: String { String(name.prefix { $0 != "." }) }

  /// The part of the name after the first dot, empty when there is none.
  var variant: String { String(name.dropFirst(family.count + 1)) }

  /// Reads the list of cases.
  /// - Throws: ``ConformanceError`` when the file is no list of cases; what is wrong with one of them is its
  ///   own matter.
  static func read(_ url: URL) throws -> [Entry] {
    let data = try Data(contentsOf: url)
    let json: JSONValue
    do {
      json = try data.withUnsafeBytes { try JSONReader.read($0) }
    } catch let error as JSONSyntaxError {
      throw ConformanceError("\(url.path): byte \(error.offset): found \(error.message)")
    }
    guard case .array(let elements) = json else {
      throw ConformanceError("\(url.path): expected a list of cases, found \(json.kind)")
    }
    return elements.enumerated().map { index, element in
      (element["name"]?.text ?? "case \(index)", Result { try Self(element) })
    }
  }

  private init(_ json: JSONValue) throws {
    guard let name = json["name"]?.text, case .array(let inputs)? = json["inputs"],
      case .array(let outputs)? = json["outputs"]
    else { throw ConformanceError("expected a name, inputs and outputs") }
    self.name = name
    expression = json["expr"]?.text ?? ""
    if case .object(let attributes)? = json["attrs"] {
      self.attributes = Dictionary(
        attributes.map { ($0.key, $0.value) }, uniquingKeysWith: { first, _ in first })
    } else {
      attributes = [:]
    }
    var readInputs: [Input] = []
    for input in inputs {
      guard let path = input["path"]?.text else { throw ConformanceError("expected a path in every input") }
      var views: [ViewStep] = []
      if case .array(let steps)? = input["views"] { for step in steps { views.append(try ViewStep(step)) } }
      readInputs.append(Input(path: path, views: views, gradient: input["grad"]?.text))
    }
    self.inputs = readInputs
    var readOutputs: [Output] = []
    for output in outputs {
      guard let path = output["path"]?.text, let shape = output["shape"]?.integers else {
        throw ConformanceError("expected a path and a shape in every output")
      }
      readOutputs.append(Output(path: path, shape: shape, cotangent: output["gout"]?.text))
    }
    self.outputs = readOutputs
  }
}
