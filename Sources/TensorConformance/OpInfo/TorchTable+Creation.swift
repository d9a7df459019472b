import Tensor

extension TorchTable {
  static let creation: [String: TorchOperation] = [
    "arange": { call in
      let written = call.arguments + ["end", "step"].compactMap { call.keywords[$0] }
      let numbers = try written.map { argument in
        guard let number = argument.number else { throw TorchCallError.unwritable("a bound \(argument)") }
        return number
      }
      // One number alone is the end; `arange(start, step=…)` has none.
      let isEnd = numbers.count == 1
      let (start, end) = (isEnd ? 0 : numbers[0].asDouble, numbers[isEnd ? 0 : 1].asDouble)
      let isWhole = numbers.allSatisfy { $0.asInteger != nil }
      let step = numbers.count > 2 ? numbers[2].asDouble : 1
      let type = try call.type(9) ?? (isWhole ? .int64 : .float32)
      return [Tensor.arange(from: start, to: end, by: step, dtype: type)]
    },
    "linspace": { call in
      [
        Tensor.linspace(
          try call.real(0, "start"), try call.real(1, "end"), count: try call.integer(2, "steps"),
          dtype: try call.type(9) ?? .float32)
      ]
    },
    "eye": { call in
      let size = try call.integer(0, "n")
      guard try call.integer(1, "m", default: size) == size else {
        throw TorchCallError.noCounterpart("identities that are not square")
      }
      return [Tensor.eye(size, dtype: try call.type(9) ?? .float32)]
    },
    "full": { call in
      let (shape, value) = (try call.integers(0, "size"), try call.number(1, "fill_value"))
      return [fullOf(shape, value, try call.type(9))]
    },
    "ones": { call in
      [Tensor.ones(try call.remainingIntegers(0, "size"), dtype: try call.type(9) ?? .float32)]
    },
    "zeros": { call in
      [Tensor.zeros(try call.remainingIntegers(0, "size"), dtype: try call.type(9) ?? .float32)]
    },
    "ones_like": like { Tensor.ones($0, dtype: $1) }, "zeros_like": like { Tensor.zeros($0, dtype: $1) },
    "full_like": { call in
      let (x, value) = (try call.tensor(), try call.number(1, "fill_value"))
      return [fullOf(x.shape, value, try call.type(9) ?? x.dtype)]
    },
    "new_full": { call in
      let value = try call.number(2, "fill_value")
      return [fullOf(try call.integers(1, "size"), value, try call.type(9) ?? call.tensor().dtype)]
    },
    "new_ones": { call in
      [Tensor.ones(try call.remainingIntegers(1, "size"), dtype: try call.type(9) ?? call.tensor().dtype)]
    },
    "new_zeros": { call in
      [Tensor.zeros(try call.remainingIntegers(1, "size"), dtype: try call.type(9) ?? call.tensor().dtype)]
    },
  ]

  static let conversions: [String: TorchOperation] = [
    "float": one { $0.to(.float32) }, "double": one { $0.to(.float64) }, "long": one { $0.to(.int64) },
    "int": one { $0.to(.int32) }, "bool": one { $0.to(.bool) }, "byte": one { $0.to(.uint8) },
    "half": one { $0.to(.float16) }, "bfloat16": one { $0.to(.bfloat16) },
    "to": { call in
      let types = (call.arguments + call.keywords.values).compactMap { argument -> DType? in
        if case .type(let type) = argument { type } else { nil }
      }
      if let type = types.first { return [try call.tensor().to(type)] }
      if case .tensor(let other)? = call[1, "other"] { return [try call.tensor().to(other.dtype)] }
      return [try call.tensor()]
    },
    "item": { call in
      let x = try call.tensor()
      if x.dtype.isFloatingPoint { return [Tensor([x.item()]).reshaped([])] }
      if x.dtype == .bool { return [Tensor([x.item(of: Bool.self)]).reshaped([])] }
      return [Tensor([x.item(of: Int64.self)]).reshaped([])]
    },
  ]

  private static func like(_ body: @escaping @Sendable ([Int], DType) -> Tensor) -> TorchOperation {
    { call in
      let x = try call.tensor()
      return [body(x.shape, try call.type(9) ?? x.dtype)]
    }
  }

  /// A tensor of one number, of the number's own type unless a type is given.
  private static func fullOf(_ shape: [Int], _ value: any TensorScalar, _ type: DType?) -> Tensor {
    if let whole = value.asInteger, !(value is Bool) {
      return Tensor.full(shape, Int(whole), dtype: type ?? .int64)
    }
    if let flag = value as? Bool { return Tensor.full(shape, flag, dtype: type ?? .bool) }
    return Tensor.full(shape, value.asDouble, dtype: type ?? .float32)
  }
}
