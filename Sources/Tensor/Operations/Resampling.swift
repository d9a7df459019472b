/// A linear map along one axis in which every output element is a weighted sum of neighbouring input
/// elements.
struct WeightedWindows: Sendable {
  /// The length of the input.
  let inputCount: Int
  /// The first input element of each output element.
  private(set) var starts: [Int] = []
  /// Where the weights of each output element begin in `weights`, and their end.
  private(set) var offsets: [Int] = [0]
  private(set) var weights: [Double] = []

  init(inputCount: Int) { self.inputCount = inputCount }

  /// The length of the output.
  var count: Int { starts.count }

  /// Adds an output element: `weights` of the input elements from `start` on.
  mutating func append(start: Int, weights window: [Double]) {
    starts.append(start)
    weights += window
    offsets.append(weights.count)
  }

  /// The map that carries gradients back.
  ///
  /// Windows move forward with the output, so the outputs that an input element has a part in are neighbours,
  /// too.
  func transposed() -> WeightedWindows {
    var columns = [(first: Int, weights: [Double])](repeating: (0, []), count: inputCount)
    for output in 0..<count {
      for (i, weight) in weights[offsets[output]..<offsets[output + 1]].enumerated() {
        let input = starts[output] + i
        if columns[input].weights.isEmpty { columns[input].first = output }
        let gap = output - columns[input].first - columns[input].weights.count
        if gap > 0 { columns[input].weights += [Double](repeating: 0, count: gap) }
        columns[input].weights.append(weight)
      }
    }
    var result = WeightedWindows(inputCount: count)
    for column in columns { result.append(start: column.first, weights: column.weights) }
    return result
  }
}

extension Tensor {
  /// The last two axes mapped by weighted windows; the derivative is the same with the maps transposed.
  func resampled(_ rows: WeightedWindows, _ columns: WeightedWindows) -> Tensor {
    let lead = Array(shape.dropLast(2))
    let planes = lead.reduce(1, *)
    let source = detached().contiguous()
    let result = Tensor(uninitialized: lead + [rows.count, columns.count], dtype: dtype)
    func run<T: BLASScalar>(_: T.Type) {
      let (input, output) = (source.pointer(T.self), result.pointer(T.self))
      let (height, width) = (rows.inputCount, columns.inputCount)
      let rowWeights = rows.weights.map { T($0) }
      let columnWeights = columns.weights.map { T($0) }
      let work = Swift.max(1, width + columns.weights.count)
      Threads.parallel(planes * rows.count, grain: Swift.max(1, (1 << 14) / work)) { range in
        MemoryPool.withScratch(T.self, count: Swift.max(width, 1)) { sums in
          for task in range {
            let (plane, row) = task.quotientAndRemainder(dividingBy: rows.count)
            sums.zero(count: width)
            for (i, place) in (rows.offsets[row]..<rows.offsets[row + 1]).enumerated() {
              let weight = rowWeights[place]
              let line = input + (plane * height + rows.starts[row] + i) * width
              for column in 0..<width { sums[column] += weight * line[column] }
            }
            let target = output + task * columns.count
            for column in 0..<columns.count {
              let start = columns.starts[column] - columns.offsets[column]
              var sum: T = 0
              for place in columns.offsets[column]..<columns.offsets[column + 1] {
                sum += columnWeights[place] * sums[start + place]
              }
              target[column] = sum
            }
          }
        }
      }
    }
    if dtype == .float32 { run(Float.self) } else { run(Double.self) }
    return recorded("resampled", from: self, result) { gradient, _ in
      gradient.resampled(rows.transposed(), columns.transposed())
    }
  }
}
