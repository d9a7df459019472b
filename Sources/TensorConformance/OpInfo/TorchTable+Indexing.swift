import Tensor

/// Elements read and written by number.
extension TorchTable {
  static let gathering: [String: TorchOperation] = [
    "gather": { call in
      [try call.tensor().gather(axis: try call.integer(1, "dim"), try call.tensor(2, "index"))]
    },
    "index_select": { call in
      [try call.tensor().indexSelect(axis: try call.integer(1, "dim"), try call.tensor(2, "index"))]
    },
    "take": { call in [try call.tensor().flattened().rows(at: try call.tensor(1, "index"))] },
    "masked_select": { call in
      let (x, mask) = (try call.tensor(), try call.tensor(1, "mask"))
      if x.shape == mask.shape { return [x.masked(by: mask)] }
      let shape = try Tensor.broadcastShape(validating: x.shape, mask.shape)
      return [x.expanded(to: shape).masked(by: mask.expanded(to: shape))]
    },
    "__getitem__": { call in [try call.tensor().indexed(try positions(call[1, "indices"]))] },
    "nn.functional.one_hot": { call in
      let (x, classes) = (try call.tensor(), try call.integer(1, "num_classes", default: -1))
      return [x.oneHot(classes: classes == -1 ? x.max().item(of: Int.self) + 1 : classes, dtype: .int64)]
    },
    "nn.functional.embedding": { call in
      for (place, name) in [(3, "max_norm"), (5, "scale_grad_by_freq"), (6, "sparse")] {
        if case .flag(false)? = call[place, name] { continue }
        try call.requireAbsent(place, name)
      }
      let (table, indices) = (try call.tensor(), try call.tensor(1, "weight"))
      guard let padding = try call.optionalInteger(2, "padding_idx") else { return [table.rows(at: indices)] }
      let row = Tensor([Int64(padding)])
      return [table.replacingRows(at: row, with: table.detached().rows(at: row)).rows(at: indices)]
    },
  ]

  static let writing: [String: TorchOperation] = [
    "scatter": { call in
      try call.requireAbsent(4, "reduce")
      let (x, axis, indices) = (try call.tensor(), try call.integer(1, "dim"), try call.tensor(2, "index"))
      if let number = (call[3, "value"] ?? call[3, "src"])?.number {
        return [x.scatter(axis: axis, indices, Tensor.full(indices.shape, number.asDouble, dtype: x.dtype))]
      }
      return [x.scatter(axis: axis, indices, try call.tensor(3, "src"))]
    },
    "scatter_add": { call in
      [
        try call.tensor().scatterAdd(
          axis: try call.integer(1, "dim"), try call.tensor(2, "index"), try call.tensor(3, "src"))
      ]
    },
    "index_add": { call in
      [
        try call.tensor().indexAdd(
          axis: try call.integer(1, "dim"), try call.tensor(2, "index"),
          try scaled(try call.tensor(3, "source"), call[4, "alpha"]))
      ]
    },
    "index_copy": { call in
      let (x, axis) = (try call.tensor(), try call.integer(1, "dim"))
      return [
        try written(try call.tensor(3, "source"), into: x, at: lead(x, axis) + [.elements(indices(call))])
      ]
    },
    "index_fill": { call in
      let (x, axis) = (try call.tensor(), try call.integer(1, "dim"))
      let value: Tensor
      if let number = call[3, "value"]?.number {
        value = Tensor(number.asDouble)
      } else {
        value = try call.tensor(3, "value")
      }
      return [try written(value, into: x, at: lead(x, axis) + [.elements(indices(call))])]
    },
    "index_put": { call in
      if try call.flag(3, "accumulate") { throw TorchCallError.noCounterpart("`accumulate`") }
      guard case .list(let elements)? = call[1, "indices"] else {
        throw TorchCallError.unwritable("no indices")
      }
      let places = try elements.flatMap { try positions($0) }
      return [try written(try call.tensor(2, "values"), into: try call.tensor(), at: places)]
    },
    "masked_scatter": { call in
      let (x, mask) = (try call.tensor(), try call.tensor(1, "mask"))
      let shape = try Tensor.broadcastShape(validating: x.shape, mask.shape)
      return [x.expanded(to: shape).maskedScatter(mask, try call.tensor(2, "source"))]
    },
    "select_scatter": { call in
      let x = try call.tensor()
      let place = TensorIndex.index(try call.integer(3, "index"))
      return [
        try written(try call.tensor(1, "src"), into: x, at: lead(x, try call.integer(2, "dim")) + [place])
      ]
    },
    "slice_scatter": { call in
      let x = try call.tensor()
      let place = TensorIndex.range(
        from: try call.optionalInteger(3, "start"), to: try call.optionalInteger(4, "end"),
        step: try call.integer(5, "step", default: 1))
      return [
        try written(
          try call.tensor(1, "src"), into: x, at: lead(x, try call.integer(2, "dim", default: 0)) + [place])
      ]
    },
    "fill": { call in
      if let number = call[1, "value"]?.number {
        let x = try call.tensor()
        return [x.maskedFill(Tensor.full(x.shape, 1, dtype: .bool), number)]
      }
      let x = try call.tensor()
      return [try written(try call.tensor(1, "value"), into: x, at: [.remainingAxes])]
    },
  ]

  private static func indices(_ call: TorchCall) throws -> Tensor { try call.tensor(2, "index") }

  /// What assignment to a subscript leaves in the variable.
  private static func written(_ value: Tensor, into x: Tensor, at places: [TensorIndex]) throws -> Tensor {
    var result = x
    switch places.count {
    case 1: result[places[0]] = value
    case 2: result[places[0], places[1]] = value
    case 3: result[places[0], places[1], places[2]] = value
    case 4: result[places[0], places[1], places[2], places[3]] = value
    case 5: result[places[0], places[1], places[2], places[3], places[4]] = value
    default: throw TorchCallError.unwritable("a subscript of \(places.count) positions")
    }
    return result
  }

  /// Positions of a subscript: one, or a tuple of them.
  private static func positions(_ argument: TorchArgument?) throws -> [TensorIndex] {
    switch argument {
    case nil, .some(.none): return [.insertedAxis]
    case .integer(let index)?: return [.index(index)]
    case .slice(let from, let to, let step)?: return [.range(from: from, to: to, step: step ?? 1)]
    case .ellipsis?: return [.remainingAxes]
    case .tensor(let elements)?: return [.elements(elements)]
    case .tuple(let elements)?: return try elements.flatMap { try positions($0) }
    case .list(let elements)?:
      if let numbers = TorchArgument.list(elements).integers { return [.elements(Tensor(numbers))] }
      return [.elements(Tensor(try elements.map(truth)))]
    case .flag(let isIn)?: return [.elements(Tensor(isIn))]
    case let other?: throw TorchCallError.unwritable("a subscript \(other)")
    }
  }

  private static func truth(_ argument: TorchArgument) throws -> Bool {
    guard case .flag(let value) = argument else { throw TorchCallError.unwritable("a mask with \(argument)") }
    return value
  }
}
