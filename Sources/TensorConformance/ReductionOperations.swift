import Tensor

extension OperationTable {
  static let reductions: [String: Operation] = [
    "sum": reducing { $0.sum(axes: $1, keepDims: $2) },
    "mean": reducing { $0.mean(axes: $1, keepDims: $2) },
    "prod": reducing { $0.prod(axes: $1, keepDims: $2) },
    "var": { item, x in
      [
        x[0].variance(
          axes: item.axes(of: x[0].shape), correction: try correction(item), keepDims: item.keepsDimensions)
      ]
    },
    "std": { item, x in
      [
        x[0].standardDeviation(
          axes: item.axes(of: x[0].shape), correction: try correction(item), keepDims: item.keepsDimensions)
      ]
    },
    "amax": reducing { $0.max(axes: $1, keepDims: $2) },
    "amin": reducing { $0.min(axes: $1, keepDims: $2) },
    "max": { item, x in
      guard item.outputs.count > 1 else {
        return [x[0].max(axes: item.axes(of: x[0].shape), keepDims: item.keepsDimensions)]
      }
      let axis = try item.axis()
      return [
        x[0].max(axes: [axis], keepDims: item.keepsDimensions),
        x[0].argmax(axis: axis, keepDims: item.keepsDimensions),
      ]
    },
    "min": { item, x in
      guard item.outputs.count > 1 else {
        return [x[0].min(axes: item.axes(of: x[0].shape), keepDims: item.keepsDimensions)]
      }
      let axis = try item.axis()
      return [
        x[0].min(axes: [axis], keepDims: item.keepsDimensions),
        x[0].argmin(axis: axis, keepDims: item.keepsDimensions),
      ]
    },
    "argmax": reducing { $0.argmax(axis: $1?.first, keepDims: $2) },
    "argmin": reducing { $0.argmin(axis: $1?.first, keepDims: $2) },
    "logsumexp": reducing { $0.logSumExp(axes: $1, keepDims: $2) },
    "norm": { item, x in
      let named: Double = item.variant.hasPrefix("l") ? Double(item.variant.dropFirst()) ?? 2 : 2
      let order = try item.real("ord", default: item.real("p", default: named))
      // The last number of `norm(x, 2)` is the order, so the axes come from the attributes alone.
      let isReduced = ["dim", "dims"].contains { item.attributes[$0] != nil }
      let axes = isReduced ? item.axes(of: x[0].shape) : nil
      return [x[0].norm(order, axes: axes, keepDims: item.keepsDimensions)]
    },
    "any": reducing { $0.any(axes: $1, keepDims: $2) },
    "all": reducing { $0.all(axes: $1, keepDims: $2) },
  ]

  private static func correction(_ item: ConformanceCase) throws -> Double {
    if item.attributes["unbiased"] != nil { return item.flag("unbiased") ? 1 : 0 }
    return try item.real("correction", default: item.expression.contains("unbiased=False") ? 0 : 1)
  }

  static let scansAndSorts: [String: Operation] = [
    "cumsum": alongAxis { $0.cumsum(axis: $1) },
    "cumprod": alongAxis { $0.cumprod(axis: $1) },
    "logcumsumexp": alongAxis { $0.logCumSumExp(axis: $1) },
    "sort": { item, x in
      let sorted = x[0].sorted(axis: try item.axis(default: -1), descending: item.flag("descending"))
      return [sorted.values, sorted.indices]
    },
    "argsort": { item, x in
      [x[0].argsort(axis: try item.axis(default: -1), descending: item.flag("descending"))]
    },
    "topk": { item, x in
      let found = x[0].topK(
        try item.integer("k"), axis: try item.axis(default: -1), largest: item.flag("largest", default: true))
      return [found.values, found.indices]
    },
  ]
}
