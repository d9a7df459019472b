import Tensor

extension OperationTable {
  /// What moves, picks, joins or repeats elements, of either kind.
  static let layout: [String: Operation] = [
    "reshape": moving { $1.reshaped(try $0.attributes.integers("shape")) },
    "permute_dims": moving { $1.permuted(try $0.attributes.integers("axes")) },
    "matrix_transpose": moving { $1.transposed() },
    "expand_dims": moving { $1.expandedDimensions(axis: try $0.axis()) },
    "squeeze": moving { $1.squeezed(axis: try $0.axis()) },
    "broadcast_to": moving { $1.expanded(to: try $0.attributes.integers("shape")) },
    "contiguous": moving { $1.contiguous() },
    "copy": moving { $1.materialized() },
    "flip": moving { $1.flipped(axes: try $0.axes() ?? Array($1.shape.indices)) },
    "roll": moving { call, x in
      let axis = try call.axis()
      let extent = x.shape[try call.normalized([axis], rank: x.rank)[0]]
      // As far as it goes round, so that no shift is too long to be added to a position.
      return extent == 0 ? x : x.rolled(try call.attributes.integer("shift") % extent, axis: axis)
    },
    "tile": moving { $1.tiled(try $0.attributes.integers("counts")) },
    "tril": moving { $1.lowerTriangle(diagonal: try $0.attributes.integer(ifAny: "k") ?? 0) },
    "triu": moving { $1.upperTriangle(diagonal: try $0.attributes.integer(ifAny: "k") ?? 0) },
    "diagonal": moving { $1.diagonal(offset: try $0.attributes.integer(ifAny: "offset") ?? 0) },
    "index": one { call in
      let positions = try Positions.parse(
        call.attributes.word("at") ?? "", lists: Array(call.operands.dropFirst()))
      return try call.value().moved { $0.indexed(positions) }
    },
    "take": one { call in
      let indices = try call.real(1)
      return try call.value().moved { $0.indexSelect(axis: try call.axis(), indices) }
    },
    "take_along_axis": one { call in
      let indices = try call.real(1)
      return try call.value().moved { $0.takeAlong(axis: try call.axis(), indices) }
    },
    "concat": one { call in
      let axis = try call.axis()
      if call.isComplex { return .complex(.concatenated(call.operands.map(\.asComplex), axis: axis)) }
      return .real(.concatenated(try call.reals(), axis: axis))
    },
    "stack": one { call in
      let axis = try call.axis()
      if call.isComplex { return .complex(.stacked(call.operands.map(\.asComplex), axis: axis)) }
      return .real(.stacked(try call.reals(), axis: axis))
    },
  ]

  /// Tensors made of numbers.
  static let creation: [String: Operation] = [
    "full": one { call in
      let shape = try call.attributes.integers("shape")
      switch try call.attributes.type("dtype") {
      case .real(let type):
        if type == .uint64, let value = call.attributes.unsigned("value") {
          return .real(Tensor.full(shape, value, dtype: type))
        }
        if !type.isFloatingPoint, let value = try? call.attributes.integer("value") {
          return .real(Tensor.full(shape, value, dtype: type))
        }
        return .real(Tensor.full(shape, try call.attributes.number("value"), dtype: type))
      case .complex(let type):
        let parts = [
          try call.attributes.number("value"), try call.attributes.number(ifAny: "imaginary") ?? 0,
        ].map { Tensor.full(shape, $0, dtype: type.partType) }
        return .complex(ComplexTensor(real: parts[0], imaginary: parts[1]))
      }
    },
    "eye": real { call in
      let (rows, columns) = (try call.attributes.integer("rows"), try call.attributes.integer("columns"))
      guard case .real(let type) = try call.attributes.type("dtype") else {
        throw call.fail("is not there for complex numbers")
      }
      return Tensor.eye(
        rows: rows, columns: columns, diagonal: try call.attributes.integer(ifAny: "k") ?? 0, dtype: type)
    },
    "count": real { Tensor.arange(try $0.attributes.integer("count")) },
    "progression": real { call in
      guard case .real(let type) = try call.attributes.type("dtype") else {
        throw call.fail("is not there for complex numbers")
      }
      return try Tensor.progression(
        count: call.attributes.integer("count"), from: call.attributes.number("start"),
        by: call.attributes.number("step"), dtype: type)
    },
    "linspace": real { call in
      guard case .real(let type) = try call.attributes.type("dtype") else {
        throw call.fail("is not there for complex numbers")
      }
      return try Tensor.linspace(
        call.attributes.number("start"), call.attributes.number("stop"),
        count: call.attributes.integer("count"), dtype: type)
    },
  ]
}

extension Tensor {
  /// Ones on one diagonal, zeros beside it.
  fileprivate static func eye(rows: Int, columns: Int, diagonal: Int, dtype: DType) -> Tensor {
    let differences =
      Tensor.arange(columns).reshaped([1, columns]) - Tensor.arange(rows).reshaped([rows, 1])
    return (differences .== diagonal).to(dtype)
  }

  /// `count` numbers from `start` on, computed in double precision.
  fileprivate static func progression(
    count: Int, from start: Double, by step: Double, dtype: DType
  ) throws -> Tensor {
    (Tensor.arange(count, dtype: .float64) * step + start).to(dtype)
  }
}
