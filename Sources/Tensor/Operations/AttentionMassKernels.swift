/// Adjacent query rows of one segment that are asked about the same keys.
struct AttentionPart {
  var view: AttentionView
  /// Counted within the segment.
  var rows: Range<Int>
  /// The row of the result that belongs to the first of them.
  var firstResult: Int
  /// Columns of the segment's score matrix with a weight.
  var columns: [Int] = []
  /// A weight for each of ``columns``, mass by mass.
  var weights: [[Double]]

  /// The parts of all foci, in the order of the result's rows; rows without a segment have none.
  static func parts(of foci: [AttentionFocus], _ layout: AttentionLayout) -> [AttentionPart] {
    let views = layout.segments.map(AttentionView.init)
    var parts: [AttentionPart] = []
    var result = 0
    for focus in foci {
      let firstOfFocus = parts.count
      var lastSegment: Int?
      for row in focus.queries {
        defer { result += 1 }
        guard let segment = views.firstIndex(where: { $0.queries.contains(row) }) else { continue }
        let place = row - views[segment].queries.lowerBound
        if lastSegment == segment, let last = parts.last, parts.count > firstOfFocus,
          last.rows.upperBound == place, last.firstResult + last.rows.count == result,
          last.rows.count < last.view.blockSize
        {
          parts[parts.count - 1].rows = last.rows.lowerBound..<place + 1
        } else {
          parts.append(
            AttentionPart(
              view: views[segment], rows: place..<place + 1, firstResult: result, weights: []))
        }
        lastSegment = segment
      }
      for index in firstOfFocus..<parts.count { parts[index].look(at: focus) }
    }
    return parts
  }

  /// Takes the keys of a focus that some of the rows see.
  private mutating func look(at focus: AttentionFocus) {
    let seen = view.columns(until: rows.upperBound)
    let places = focus.keys.map { key -> Int? in
      let run = view.runs.first { $0.key <= key && key < $0.key + $0.count }
      return run.map { $0.column + key - $0.key }.flatMap { $0 < seen ? $0 : nil }
    }
    columns = places.compactMap { $0 }
    weights = focus.weights.map { list in zip(places, list).filter { $0.0 != nil }.map(\.1) }
  }

  var columnCount: Int { view.columns(until: rows.upperBound) }
  var cost: Int { rows.count * columnCount }
}

extension AttentionKernels {
  /// Writes `[rows, heads, masses]`; rows without a part are left as they are.
  static func masses<T: FusedScalar>(
    _ parts: [AttentionPart], _ shape: AttentionShape, masses: Int, scale: T, query: UnsafePointer<T>,
    key: UnsafePointer<T>, result: UnsafeMutablePointer<T>
  ) {
    let cost = parts.reduce(0) { $0 + $1.cost } * shape.heads * shape.dim
    run(parts.count * shape.heads, work: cost) { task in
      let (part, head) = (parts[task / shape.heads], task % shape.heads)
      let weights = part.weights.map { $0.map { T($0) } }
      withProbabilities(part, head, shape, scale: scale, query: query, key: key) { probabilities, ld in
        for row in 0..<part.rows.count {
          let own = probabilities + row * ld
          let out = result + ((part.firstResult + row) * shape.heads + head) * masses
          for (mass, list) in weights.enumerated() {
            var sum: T = 0
            for (place, column) in part.columns.enumerated() { sum += list[place] * own[column] }
            out[mass] = sum
          }
        }
      }
    }
  }

  /// Adds the gradients of queries and keys to outputs with the shapes of the operands, dense.
  ///
  /// With `c_j = Σ_a g_a w_aj`, `∂/∂s_j = p_j (c_j − Σ_a g_a m_a)` for scores `s`. One task owns a key head,
  /// so that sums have one order.
  static func massesBackward<T: FusedScalar>(
    _ parts: [AttentionPart], _ shape: AttentionShape, masses: Int, scale: T, query: UnsafePointer<T>,
    key: UnsafePointer<T>, result: UnsafePointer<T>, resultGradient: UnsafePointer<T>,
    queryGradient: UnsafeMutablePointer<T>, keyGradient: UnsafeMutablePointer<T>
  ) {
    let cost = parts.reduce(0) { $0 + $1.cost } * shape.heads * shape.dim * 3
    run(shape.keyHeads, work: cost) { keyHead in
      for part in parts {
        let weights = part.weights.map { $0.map { T($0) } }
        for head in keyHead * shape.group..<(keyHead + 1) * shape.group {
          withProbabilities(part, head, shape, scale: scale, query: query, key: key) { scores, ld in
            for row in 0..<part.rows.count {
              let offset = ((part.firstResult + row) * shape.heads + head) * masses
              differentiate(
                scores + row * ld, part, weights, scale: scale, masses: result + offset,
                gradients: resultGradient + offset)
            }
            addGradients(
              UnsafePointer(scores), ld: ld, part, head, shape, query: query, key: key,
              queryGradient: queryGradient, keyGradient: keyGradient)
          }
        }
      }
    }
  }

  /// Turns a row of probabilities into the gradient of the products of its query with the keys.
  private static func differentiate<T: FusedScalar>(
    _ row: UnsafeMutablePointer<T>, _ part: AttentionPart, _ weights: [[T]], scale: T,
    masses: UnsafePointer<T>, gradients: UnsafePointer<T>
  ) {
    var expected: T = 0
    for mass in weights.indices { expected += gradients[mass] * masses[mass] }
    let direct = part.columns.enumerated().map { place, column in
      var sum: T = 0
      for mass in weights.indices { sum += gradients[mass] * weights[mass][place] }
      return scale * row[column] * sum
    }
    for column in 0..<part.columnCount { row[column] *= -scale * expected }
    for (place, column) in part.columns.enumerated() { row[column] += direct[place] }
  }

  private static func addGradients<T: FusedScalar>(
    _ dScores: UnsafePointer<T>, ld: Int, _ part: AttentionPart, _ head: Int, _ shape: AttentionShape,
    query: UnsafePointer<T>, key: UnsafePointer<T>, queryGradient: UnsafeMutablePointer<T>,
    keyGradient: UnsafeMutablePointer<T>
  ) {
    let rows = part.rows.count
    let keyHead = head / shape.group
    let token = part.view.queries.lowerBound + part.rows.lowerBound
    part.view.forEachRun(limit: part.columnCount) { start, column, count in
      let dScores = MatrixView(dScores + column, rows: rows, columns: count, rowStride: ld)
      BLAS.gemm(
        dScores.transposed, shape.queries(query, token, head, rows: rows), beta: 1,
        into: shape.keyGradients(keyGradient, start, keyHead, rows: count))
      BLAS.gemm(
        dScores, shape.keys(key, start, keyHead, rows: count), beta: 1,
        into: shape.outputs(queryGradient, token, head, rows: rows))
    }
  }

  /// Calls `body` with the probabilities of a part's rows for one head, and the distance between rows.
  private static func withProbabilities<T: FusedScalar>(
    _ part: AttentionPart, _ head: Int, _ shape: AttentionShape, scale: T, query: UnsafePointer<T>,
    key: UnsafePointer<T>, _ body: (UnsafeMutablePointer<T>, Int) -> Void
  ) {
    let (rows, columns) = (part.rows.count, part.columnCount)
    let ld = (columns + 15) / 16 * 16
    let token = part.view.queries.lowerBound + part.rows.lowerBound
    MemoryPool.withScratch(T.self, count: rows * ld + rows) { scores in
      part.view.forEachRun(limit: columns) { start, column, count in
        BLAS.gemm(
          shape.queries(query, token, head, rows: rows),
          shape.keys(key, start, head / shape.group, rows: count).transposed,
          into: MutableMatrixView(scores + column, rows: rows, columns: count, rowStride: ld))
      }
      T.attentionSoftmaxKernel(
        scores, Int64(ld), Int64(rows), Int64(columns), Int64(part.view.visible + part.rows.lowerBound),
        scale,
        scores + rows * ld, 1)
      body(scores, ld)
    }
  }
}
