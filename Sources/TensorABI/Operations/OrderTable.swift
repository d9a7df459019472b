import Tensor

extension OperationTable {
  /// Sorting, searching, sets.
  static let order: [String: Operation] = [
    "argsort": real {
      try $0.real().argsort(axis: try $0.axis(), descending: try $0.attributes.flag("descending"))
    },
    "sort": real {
      try $0.real().sorted(axis: try $0.axis(), descending: try $0.attributes.flag("descending")).values
    },
    "topk": { call in
      let (values, indices) = try call.real().topK(
        try call.attributes.integer("count"), axis: try call.attributes.integer(ifAny: "axis") ?? -1,
        largest: try call.attributes.integer(ifAny: "largest") != 0)
      return [.real(values), .real(indices)]
    },
    "unique": { call in
      let (values, inverse, counts) = try call.real().unique()
      return [.real(values), .real(inverse), .real(counts)]
    },
    "searchsorted": real { call in
      try call.real(0).searchSorted(
        try call.real(1), side: try call.attributes.choice("side", SearchSide.left),
        sorter: call.operands.count > 2 ? try call.real(2) : nil)
    },
    "isin": real { try $0.real(0).isIn(try $0.real(1)) },
    "nonzero": real { call in
      switch try call.value() {
      case .real(let x): return x.nonZero()
      case .complex(let z): return z.isNonZero.nonZero()
      }
    },
  ]
}
