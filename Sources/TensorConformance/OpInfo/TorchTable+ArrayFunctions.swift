import Tensor

/// Functions that NumPy has, too: grids, products of vectors, searches, quantiles, histograms, distances.
extension TorchTable {
  static let arrayFunctions: [String: TorchOperation] = [
    "meshgrid": { call in
      let mode = try call.text(99, "indexing", default: "ij")
      guard let indexing = MeshIndexing(rawValue: mode) else {
        throw TorchCallError.unwritable("indexing `\(mode)`")
      }
      return Tensor.meshgrid(try call.tensors(), indexing: indexing)
    },
    "broadcast_tensors": { call in Tensor.broadcast(try call.tensors()) },
    "diff": { call in
      [
        try call.tensor().diff(
          try call.integer(1, "n", default: 1), axis: try call.integer(2, "dim", default: -1),
          prepending: try call.optionalTensor(3, "prepend"), appending: try call.optionalTensor(4, "append"))
      ]
    },
    "take_along_dim": { call in
      let (x, indices) = (try call.tensor(), try call.tensor(1, "indices"))
      guard let axis = try call.optionalInteger(2, "dim") else {
        return [x.flattened().takeAlong(axis: 0, indices.flattened())]
      }
      return [x.takeAlong(axis: axis, indices)]
    },
    "cross": { call in
      let (a, b) = (try call.tensor(), try call.tensor(1, "other"))
      // Without an axis it is the first one of three elements.
      let shape = try Tensor.broadcastShape(validating: a.shape, b.shape)
      return [cross(a, b, axis: try call.optionalInteger(2, "dim") ?? shape.firstIndex(of: 3) ?? -1)]
    },
    "linalg.cross": { call in
      [
        cross(
          try call.tensor(), try call.tensor(1, "other"), axis: try call.integer(2, "dim", default: -1))
      ]
    },
    "linalg.vecdot": { call in
      [vecdot(try call.tensor(), try call.tensor(1, "y"), axis: try call.integer(2, "dim", default: -1))]
    },
    "kron": two { kron($0, $1) },
    "linalg.matrix_power": { call in [try call.tensor().matrixPower(try call.integer(1, "n"))] },
    "cdist": { call in
      [cdist(try call.tensor(), try call.tensor(1, "x2"), order: try call.real(2, "p", default: 2))]
    },
    "cov": { call in
      [
        try call.tensor().covariance(
          correction: try call.real(9, "correction", default: 1),
          frequencies: try call.optionalTensor(9, "fweights"), weights: try call.optionalTensor(9, "aweights")
        )
      ]
    },
    "corrcoef": one { $0.correlationCoefficients() },
  ]

  static let orderedElements: [String: TorchOperation] = [
    "isin": { call in
      let elements = try operand(call, 1, "test_elements")
      let found = try operand(call, 0, "elements").isIn(elements)
      return [try call.flag(9, "invert") ? .!found : found]
    },
    "searchsorted": { call in
      let (rows, values) = (try call.tensor(), try operand(call, 1, "input"))
      let side = try call.text(9, "side", default: try call.flag(9, "right") ? "right" : "left")
      let places = rows.searchSorted(
        values, side: side == "right" ? .right : .left, sorter: try call.optionalTensor(9, "sorter"))
      return [try call.flag(9, "out_int32") ? places.to(.int32) : places]
    },
    "bucketize": { call in
      let (values, bounds) = (try operand(call, 0, "input"), try call.tensor(1, "boundaries"))
      let places = bounds.searchSorted(values, side: try call.flag(9, "right") ? .right : .left)
      return [try call.flag(9, "out_int32") ? places.to(.int32) : places]
    },
    "quantile": { call in
      let (axis, keeps) = (try call.optionalInteger(2, "dim"), try call.flag(3, "keepdim"))
      let mode = try call.text(4, "interpolation", default: "linear")
      guard let interpolation = QuantileInterpolation(rawValue: mode) else {
        throw TorchCallError.unwritable("interpolation `\(mode)`")
      }
      let x = try call.tensor()
      if case .tensor(let fractions)? = call[1, "q"], fractions.rank > 0 {
        let list = fractions.array(of: Double.self)
        return [x.quantile(list, axis: axis, keepDims: keeps, interpolation: interpolation)]
      }
      let fraction = try call[1, "q"]?.number?.asDouble ?? call.tensor(1, "q").item()
      return [x.quantile(fraction, axis: axis, keepDims: keeps, interpolation: interpolation)]
    },
    "median": { call in
      [
        try call.tensor().quantile(
          0.5, axis: try call.optionalInteger(1, "dim"), keepDims: try call.flag(2, "keepdim"),
          interpolation: .lower)
      ]
    },
    "nansum": reducing { $0.nanSum(axes: $1, keepDims: $2) },
    "nanmean": reducing { $0.nanMean(axes: $1, keepDims: $2) },
    "histc": { call in
      let (x, bins) = (try call.tensor(), try call.integer(1, "bins", default: 100))
      let range = (lower: try call.real(2, "min", default: 0), upper: try call.real(3, "max", default: 0))
      if range.lower != range.upper { return [x.histogram(bins: bins, range: range).counts.to(x.dtype)] }
      // One bound for both ends stands for the elements' own, which are moved apart by 1.
      let (least, most) = x.count == 0 ? (range.lower, range.upper) : (x.min().item(), x.max().item())
      let own = least == most ? (least - 1, most + 1) : (least, most)
      return [x.histogram(bins: bins, range: own).counts.to(x.dtype)]
    },
    "histogram": { call in
      let (x, weights) = (try call.tensor(), try call.optionalTensor(9, "weight"))
      let density = try call.flag(9, "density")
      if case .tensor(let edges)? = call[1, "bins"] {
        let found = x.histogram(edges: edges, weights: weights, density: density)
        return [found.counts.to(x.dtype), found.edges]
      }
      var range: (lower: Double, upper: Double)?
      if case .list(let bounds)? = call[9, "range"], bounds.count == 2, let lower = bounds[0].number,
        let upper = bounds[1].number
      {
        range = (lower.asDouble, upper.asDouble)
      }
      let found = x.histogram(
        bins: try call.integer(1, "bins"), range: range, weights: weights, density: density)
      return [found.counts.to(x.dtype), found.edges]
    },
    "bincount": { call in
      let weights = try call.optionalTensor(1, "weights")
      return [
        try call.tensor().binCount(
          weights: weights.map { $0.dtype.isFloatingPoint ? $0 : $0.to(.float64) },
          minLength: try call.integer(2, "minlength", default: 0))
      ]
    },
  ]

  /// An operand that may be a number.
  private static func operand(_ call: TorchCall, _ position: Int, _ name: String) throws -> Tensor {
    if let number = call[position, name]?.number { return Tensor(number) }
    return try call.tensor(position, name)
  }
}
