import Checkpoint
import Tensor

/// An argument of a call as Python wrote it.
indirect enum TorchArgument: Sendable {
  case none
  case flag(Bool)
  case integer(Int)
  case real(Double)
  case text(String)
  case type(DType)
  case list([TorchArgument])
  /// A list in parentheses, told apart in subscripts only.
  case tuple([TorchArgument])
  case slice(from: Int?, to: Int?, step: Int?)
  case ellipsis
  case tensor(Tensor)

  /// Reads an argument; tensors stand as `{"in": number}`.
  init(_ json: JSONValue, _ tensors: [Tensor]) throws {
    switch json {
    case .null: self = .none
    case .boolean(let value): self = .flag(value)
    case .integer(let value): self = .integer(value)
    case .real(let value): self = .real(value)
    case .string(let value): self = .text(value)
    case .array(let elements): self = .list(try elements.map { try TorchArgument($0, tensors) })
    case .object:
      if case .integer(let index)? = json["in"], tensors.indices.contains(index) {
        self = .tensor(tensors[index])
      } else if let name = json["dtype"]?.text, let type = DType(rawValue: name) {
        self = .type(type)
      } else if let number = json["float"]?.text.flatMap({ Double($0) }) {
        self = .real(number)
      } else if case .array(let bounds)? = json["slice"], bounds.count == 3 {
        let numbers = bounds.map { bound -> Int? in if case .integer(let value) = bound { value } else { nil }
        }
        self = .slice(from: numbers[0], to: numbers[1], step: numbers[2])
      } else if case .array(let elements)? = json["tuple"] {
        self = .tuple(try elements.map { try TorchArgument($0, tensors) })
      } else if json["ellipsis"] != nil {
        self = .ellipsis
      } else {
        throw ConformanceError("an argument that is no argument")
      }
    }
  }

  /// The number as a Swift number of its kind.
  var number: (any TensorScalar)? {
    switch self {
    case .flag(let value): value
    case .integer(let value): value
    case .real(let value): value
    default: nil
    }
  }

  /// The list of integers; one alone is a list of one.
  var integers: [Int]? {
    switch self {
    case .integer(let value): return [value]
    case .list(let elements):
      let numbers = elements.compactMap { if case .integer(let value) = $0 { value } else { nil } }
      return numbers.count == elements.count ? numbers : nil
    default: return nil
    }
  }
}

/// As Python would show it, tensors by type, shape and, where they are not contiguous, strides.
extension TorchArgument: CustomStringConvertible {
  var description: String {
    switch self {
    case .none: "None"
    case .flag(let value): value ? "True" : "False"
    case .integer(let value): "\(value)"
    case .real(let value): "\(value)"
    case .text(let value): "'\(value)'"
    case .type(let value): "\(value)"
    case .list(let elements), .tuple(let elements):
      "(\(elements.map(\.description).joined(separator: ", ")))"
    case .slice(let from, let to, let step):
      "slice(\([from, to, step].map { $0.map { "\($0)" } ?? "None" }.joined(separator: ", ")))"
    case .ellipsis: "..."
    case .tensor(let x): "\(x.dtype)\(x.shape)\(x.isContiguous ? "" : " strides \(x.strides)")"
    }
  }
}
