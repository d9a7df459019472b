import Checkpoint
import Foundation
import Tensor

/// A call of PyTorch's with its tensors and what comes of it, as `opinfo.json` lists it.
struct TorchCase: Sendable {
  /// A tensor of the call, and where its expected gradient is.
  struct Input: Sendable {
    let array: TorchArray
    let requiresGradient: Bool
    let gradient: TorchArray?
  }

  /// An expected result, and the gradient that is fed into it.
  struct Output: Sendable {
    let array: TorchArray
    let cotangent: TorchArray?
  }

  let entry: String
  /// The type of the sample, or `error`, and its number.
  let number: String
  let inputs: [Input]
  let outputs: [Output]
  /// What PyTorch says where it refuses the call.
  let refusal: String?
  private let arguments: [JSONValue]
  private let keywords: [(key: String, value: JSONValue)]

  var name: String { "\(entry).\(number)" }

  init(_ json: JSONValue) throws {
    guard let entry = json["op"]?.text, let number = json["n"]?.text,
      case .array(let arguments)? = json["args"],
      case .array(let inputs)? = json["in"]
    else { throw ConformanceError("expected an entry, a number, arguments and tensors") }
    self.entry = entry
    self.number = number
    self.arguments = arguments
    if case .object(let keywords)? = json["kw"] { self.keywords = keywords } else { keywords = [] }
    self.inputs = try inputs.map { input in
      let array = try TorchArray(input)
      let requiresGradient = if case .boolean(true)? = input["r"] { true } else { false }
      guard case .array(let pair)? = input["g"], pair.count == 2, case .integer(let start) = pair[0] else {
        return Input(array: array, requiresGradient: requiresGradient, gradient: nil)
      }
      let gradient = array.contiguous(at: start, dtype: array.dtype, noise: pair[1].double ?? 0)
      return Input(array: array, requiresGradient: requiresGradient, gradient: gradient)
    }
    refusal = json["error"]?.text
    guard case .array(let outputs)? = json["out"] else {
      guard refusal != nil else { throw ConformanceError("expected results or an error") }
      self.outputs = []
      return
    }
    self.outputs = try outputs.map { output in
      let array = try TorchArray(output)
      guard case .integer(let start)? = output["c"] else { return Output(array: array, cotangent: nil) }
      return Output(array: array, cotangent: array.contiguous(at: start, dtype: .float32, noise: 0))
    }
  }

  /// The call with these tensors.
  func call(with tensors: [Tensor]) throws -> TorchCall {
    TorchCall(
      entry: entry, arguments: try arguments.map { try TorchArgument($0, tensors) },
      keywords: Dictionary(
        try keywords.map { ($0.key, try TorchArgument($0.value, tensors)) },
        uniquingKeysWith: { first, _ in first }))
  }
}

/// Where a tensor's elements lie in the file, and how they are to be seen.
struct TorchArray: Sendable {
  let dtype: DType
  let shape: [Int]
  /// nil for elements one after the other.
  let strides: [Int]?
  let start: Int
  /// How far a run of PyTorch's in the sample's own type was off.
  let noise: Double

  init(_ json: JSONValue) throws {
    guard let dtype = json["t"]?.text.flatMap({ DType(rawValue: $0) }), let shape = json["s"]?.integers,
      case .integer(let start)? = json["at"]
    else { throw ConformanceError("expected a type, a shape and a place in every tensor") }
    self.init(
      dtype: dtype, shape: shape, strides: json["st"]?.integers, start: start, noise: json["e"]?.double ?? 0)
  }

  private init(dtype: DType, shape: [Int], strides: [Int]?, start: Int, noise: Double) {
    (self.dtype, self.shape, self.strides, self.start, self.noise) = (dtype, shape, strides, start, noise)
  }

  /// An array of the same shape elsewhere.
  func contiguous(at start: Int, dtype: DType, noise: Double) -> TorchArray {
    TorchArray(dtype: dtype, shape: shape, strides: nil, start: start, noise: noise)
  }

  /// The largest difference that passes: that of the other fixtures, for float64 the same with what doubles
  /// can tell apart, for halves two roundings of the largest number.
  func tolerance(_ expected: Tensor) -> Double {
    let scale = expected.array(of: Double.self).lazy.filter(\.isFinite).map { abs($0) }.max() ?? 0
    return switch dtype {
    case .float64: max(64 * noise, 1e-12 * scale, 1e-14)
    case .float16: max(0x1p-10 * scale, 0x1p-24)
    case .bfloat16: 0x1p-7 * scale
    default: max(8 * noise, 2e-6 * scale, 1e-7)
    }
  }
}

/// The rows of numbers that the tensors of all cases are cut from.
struct TorchArrays: Sendable {
  private let rows: [DType: Tensor]

  init(_ url: URL) throws {
    let file = try HDF5File(reading: url)
    var rows: [DType: Tensor] = [:]
    for entry in try file.entries(in: "/") {
      guard let type = DType(rawValue: entry.name) else { continue }
      rows[type] = try file.tensor(entry.name)
    }
    self.rows = rows
  }

  /// A tensor with memory of its own.
  func tensor(_ array: TorchArray) throws -> Tensor {
    let kind = array.dtype.isFloatingPoint && array.dtype != .float64 ? DType.float32 : array.dtype
    let isEmpty = array.shape.contains(0)
    let count =
      array.strides.map { zip(array.shape, $0).reduce(1) { $0 + ($1.0 - 1) * $1.1 } }
      ?? array.shape.reduce(1, *)
    if isEmpty { return Tensor.zeros(array.shape, dtype: array.dtype) }
    guard let row = rows[kind], array.start >= 0, count >= 0, array.start + count <= row.count else {
      throw ConformanceError("no \(count) elements of \(kind) at \(array.start)")
    }
    let memory = row.slice(axis: 0, array.start..<array.start + count).to(array.dtype).materialized()
    guard let strides = array.strides else { return memory.reshaped(array.shape) }
    return Tensor(
      storage: memory.storage, shape: array.shape, strides: strides, offset: memory.offset, dtype: array.dtype
    )
  }
}

extension JSONValue {
  fileprivate var double: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .real(let value): value
    default: nil
    }
  }
}
