import Tensor

extension OperationTable {
  static let layout: [String: Operation] = [
    "cat": { item, x in [Tensor.concatenated(x, axis: try item.axis(default: 0))] },
    "stack": { item, x in [Tensor.stacked(x, axis: try item.axis(default: 0))] },
    "split": { item, x in x[0].split(try item.integers("sizes"), axis: try item.axis(default: 0)) },
    "chunk": { item, x in x[0].chunked(try item.integer("chunks"), axis: try item.axis(default: 0)) },
    "reshape": { item, x in [x[0].reshaped(item.attributes["shape"]?.integers ?? item.outputs[0].shape)] },
    "expand": { item, x in
      let wide = x[0].expanded(to: try item.integers("shape"))
      return [x.count > 1 ? wide * x[1] : wide]
    },
    "repeat_interleave": { item, x in [x[0].repeated(try item.integer("repeats"), axis: try item.axis())] },
    "tile": { item, x in
      let counts = try item.integers("repeats")
      let lead = [Int](repeating: 1, count: max(0, counts.count - x[0].rank))
      return [x[0].reshaped(lead + x[0].shape).tiled(counts)]
    },
    "flip": { item, x in [x[0].flipped(axes: try item.integers("dims"))] },
    "roll": { item, x in [x[0].rolled(try item.integer("shift"), axis: try item.axis())] },
    "tril": { item, x in [x[0].lowerTriangle(diagonal: try item.integer("diagonal", default: 0))] },
    "triu": { item, x in [x[0].upperTriangle(diagonal: try item.integer("diagonal", default: 0))] },
    "diagonal": { item, x in
      let axes = (try item.integer("dim1", default: -2), try item.integer("dim2", default: -1))
      return [
        x[0].diagonal(offset: try item.integer("offset", default: 0), axis1: axes.0, axis2: axes.1)
      ]
    },
    "pad": { item, x in
      // PyTorch lists (before, after) for the last axis first.
      let listed = try item.integers("pad")
      guard listed.count % 2 == 0, listed.count <= 2 * x[0].rank else {
        throw ConformanceError("pad \(listed) does not fit shape \(x[0].shape)")
      }
      let widths = (0..<x[0].rank).map { axis in
        let place = 2 * (x[0].rank - 1 - axis)
        return place < listed.count
          ? (before: listed[place], after: listed[place + 1]) : (before: 0, after: 0)
      }
      let name = item.attributes["mode"]?.text ?? "constant"
      guard let mode = PaddingMode(rawValue: name) else {
        throw ConformanceError("pad mode `\(name)` is unknown")
      }
      return [x[0].padded(widths, mode: mode, value: try item.real("value", default: 0))]
    },
    "slice": { item, x in
      [x[0].indexed(try SubscriptText.positions(in: item.expression)) * 1]
    },
    "squeeze": { item, x in
      let narrow = x[0].squeezed(axis: try item.axis(default: 1))
      return [x.count > 1 ? narrow * x[1] : narrow]
    },
    "unfold": { item, x in
      [
        x[0].unfolded(
          axis: try item.axis(), size: try item.integer("size"), step: try item.integer("step", default: 1))
      ]
    },
  ]

  static let indexing: [String: Operation] = [
    "gather": { item, x in [x[0].gather(axis: try item.axis(), x[1])] },
    "scatter": { item, x in [x[0].scatter(axis: try item.axis(), x[1], x[2])] },
    "scatter_add": { item, x in [x[0].scatterAdd(axis: try item.axis(), x[1], x[2])] },
    "index_select": { item, x in [x[0].indexSelect(axis: try item.axis(), x[1])] },
    "index_add": { item, x in [x[0].indexAdd(axis: try item.axis(), x[1], x[2])] },
    "embedding": { item, x in
      guard item.attributes["padding_idx"] != nil else { return [x[0].rows(at: x[1])] }
      let table = x[0]
      let padding = Tensor([Int64(try item.integer("padding_idx"))])
      let frozen = table.replacingRows(at: padding, with: table.detached().rows(at: padding))
      return [frozen.rows(at: x[1])]
    },
    "masked_select": binary { $0.masked(by: $1 .!= 0) },
    "masked_scatter": { _, x in
      let mask = x[1] .!= 0
      let lead = mask.reshaped(mask.shape + [Int](repeating: 1, count: x[0].rank - mask.rank))
      return [x[0].maskedScatter(lead, x[2])]
    },
    "one_hot": { item, x in [x[0].oneHot(classes: try item.integer("classes"), dtype: .int64)] },
    "take_rows": { _, x in
      let width = Int64(x[0].shape[1])
      let rows = zip(x[1].array(of: Int64.self), x[2].array(of: Int64.self)).map { $0 * width + $1 }
      return [x[0].reshaped([-1] + x[0].shape.dropFirst(2)).rows(at: Tensor(rows))]
    },
  ]
}

/// Python's subscripts, such as `x[1:, ::2, -3:]`, as they stand in expressions.
enum SubscriptText {
  /// The positions between the first pair of brackets.
  static func positions(in expression: String) throws -> [TensorIndex] {
    guard let open = expression.firstIndex(of: "["), let close = expression[open...].firstIndex(of: "]")
    else {
      throw ConformanceError("no subscript in `\(expression)`")
    }
    return try expression[expression.index(after: open)..<close].split(separator: ",").map { part in
      let text = part.filter { !$0.isWhitespace }
      if text == "..." { return .remainingAxes }
      if text == "None" { return .insertedAxis }
      let fields = text.split(separator: ":", omittingEmptySubsequences: false).map { Int($0) }
      let isNumeric = zip(text.split(separator: ":", omittingEmptySubsequences: false), fields).allSatisfy {
        $0.isEmpty || $1 != nil
      }
      guard isNumeric, fields.count <= 3 else { throw ConformanceError("subscript `\(text)` is unknown") }
      if fields.count == 1, let index = fields[0] { return .index(index) }
      return .range(from: fields[0], to: fields[1], step: fields.count > 2 ? fields[2] ?? 1 : 1)
    }
  }
}
