import Foundation
import Tensor

extension OperatorTable {
  static let creation: [String: OnnxOperator] = [
    "Constant": { call in
      switch call.node.attributes.first {
      case ("value", .tensor(let message))?: return [try NamedTensor(message).tensor]
      case ("value_int", .integer(let number))?: return [Tensor(number, dtype: .int64)]
      case ("value_ints", .integers(let numbers))?: return [Tensor(numbers)]
      case ("value_float", .real(let number))?: return [Tensor(number, dtype: .float32)]
      case ("value_floats", .reals(let numbers))?: return [Tensor(numbers)]
      case let other: throw OnnxError("Constant with \(other?.key ?? "nothing")")
      }
    },
    "ConstantOfShape": { call in
      let shape = try call.shape(try call.numbers(0) ?? [])
      guard case .tensor(let message)? = call.node.attributes["value"] else { return [Tensor.zeros(shape)] }
      let value = try NamedTensor(message).tensor
      try call.require(value.count == 1, "a value of shape \(value.shape)")
      return [value.reshaped([]).expanded(to: shape).contiguous()]
    },
    "Range": { call in
      let (start, limit, step) = (try call.tensor(), try call.tensor(1), try call.tensor(2))
      func number(_ x: Tensor) throws -> Double {
        try call.require(x.count == 1, "a bound of shape \(x.shape)")
        return x.flattened().array(of: Double.self)[0]
      }
      let count = try ((number(limit) - number(start)) / number(step)).rounded(.up)
      try call.require(abs(count) < 0x1p28, "\(count) elements")
      let steps = Tensor.arange(max(Int(count), 0))
      guard start.dtype.isFloatingPoint else { return [steps.to(start.dtype) * step + start] }
      let (from, by) = (try number(start), try number(step))
      return [(steps.to(.float64) * by + from).to(start.dtype)]
    },
    "EyeLike": { call in
      let x = try call.tensor()
      try call.require(x.rank == 2, "shape \(x.shape)")
      let type = try call.has("dtype") ? ElementType.dtype(call.integer("dtype")) : x.dtype
      let offset = min(max(try call.integer("k", default: 0), -1 << 30), 1 << 30)
      let (rows, columns) = (Tensor.arange(x.shape[0]), Tensor.arange(x.shape[1]))
      return [(rows.expandedDimensions(axis: 1) + offset .== columns).to(type)]
    },
    "HannWindow": window([0.5, 0.5]), "HammingWindow": window([25.0 / 46, 21.0 / 46]),
    "BlackmanWindow": window([0.42, 0.5, 0.08]),
  ]

  static let conversions: [String: OnnxOperator] = [
    "Cast": { call in [try call.tensor().to(ElementType.dtype(call.integer("to")))] },
    "BitCast": { call in [try call.tensor().viewed(as: ElementType.dtype(call.integer("to")))] },
    "CastLike": { call in [try call.tensor().to(call.tensor(1).dtype)] },
  ]

  /// A window of a signal: a sum of cosines with alternating signs.
  private static func window(_ coefficients: [Double]) -> OnnxOperator {
    { call in
      let size = try call.number(0)
      _ = try call.shape([size])
      let type = try ElementType.dtype(call.integer("output_datatype", default: 1))
      let period = try call.flag("periodic", default: true) ? size : size - 1
      let angle = Tensor.arange(size, dtype: .float64) * (2 * Double.pi / Double(period))
      let terms = coefficients.enumerated().map { order, coefficient in
        (angle * Double(order)).cos() * (order % 2 == 0 ? coefficient : -coefficient)
      }
      return [terms.dropFirst().reduce(terms[0]) { $0 + $1 }.to(type)]
    }
  }
}
