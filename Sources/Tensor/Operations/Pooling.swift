/// The number of windows along an axis, PyTorch's rule.
private func windowCount(
  _ input: Int, kernel: Int, stride: Int, padding: Int, dilation: Int = 1, ceilMode: Bool, _ operation: String
) -> Int {
  tensorRequire(
    [kernel, stride, dilation].allSatisfy(windowExtents.contains) && padding >= 0 && padding <= kernel / 2,
    operation,
    "kernel \(kernel), stride \(stride) and dilation \(dilation) must be positive and at most "
      + "\(windowExtents.upperBound), padding \(padding) at most half of the kernel")
  let room = input + 2 * padding - dilation * (kernel - 1) - 1
  tensorRequire(
    room >= 0 || ceilMode && room + stride - 1 >= 0, operation,
    "a window of \(kernel) with dilation \(dilation) does not fit into \(input) elements with padding "
      + "\(padding)"
  )
  let count = (ceilMode ? (room + stride - 1) / stride : room / stride) + 1
  // With ceilMode, a last window that would start behind the input is left out.
  return ceilMode && (count - 1) * stride >= input + padding ? count - 1 : count
}

extension Tensor {
  /// Runs `body` on `[planes, height, width]` of float32 or float64, or of integers as they are.
  fileprivate func asPlanes(
    _ operation: String, keepingIntegers: Bool = false, _ body: (Tensor) -> Tensor
  ) -> Tensor {
    tensorRequire(
      rank == 3 || rank == 4, operation, "needs [batch, channels, height, width], found shape \(shape)")
    let type = keepingIntegers && !dtype.isFloatingPoint ? dtype : fusedType
    let lead = Array(shape.dropLast(2))
    let result = body(to(type).reshaped([lead.reduce(1, *)] + shape.suffix(2)))
    let full = result.reshaped(lead + result.shape.suffix(2))
    return dtype.isFloatingPoint ? full.to(dtype) : full
  }

  /// Runs `body` on a sequence as a picture of one row.
  fileprivate func asRow(_ operation: StaticString, _ body: (Tensor) -> Tensor) -> Tensor {
    tensorRequire(
      rank == 2 || rank == 3, "\(operation)", "needs [batch, channels, length], found shape \(shape)")
    return tensorOperation(operation) { body(expandedDimensions(axis: -2)).squeezed(axis: -2) }
  }
}

/// The largest element of every window of a picture, PyTorch's `max_pool2d`; the gradient goes to the first
/// of equals. Integers keep their type.
/// - Parameters:
///   - x: `[batch, channels, height, width]`, or one picture without the first axis.
///   - kernel: the height and width of a window.
///   - stride: the distance between neighbouring windows; nil for the kernel.
///   - padding: how far windows reach over the edge on each side, at most half of the kernel.
///   - dilation: the distance between neighbouring elements of a window.
///   - ceilMode: whether a window that is only partly inside counts at the end.
public func maxPool2d(
  _ x: Tensor, kernel: (Int, Int), stride: (Int, Int)? = nil, padding: (Int, Int) = (0, 0),
  dilation: (Int, Int) = (1, 1), ceilMode: Bool = false
) -> Tensor {
  let stride = stride ?? kernel
  return x.asPlanes("maxPool2d", keepingIntegers: true) { x in
    let (height, width) = (x.shape[1], x.shape[2])
    let rows = windowCount(
      height, kernel: kernel.0, stride: stride.0, padding: padding.0, dilation: dilation.0,
      ceilMode: ceilMode,
      "maxPool2d")
    let columns = windowCount(
      width, kernel: kernel.1, stride: stride.1, padding: padding.1, dilation: dilation.1, ceilMode: ceilMode,
      "maxPool2d")
    func places(_ index: Int, _ kernel: Int, _ stride: Int, _ padding: Int, _ dilation: Int, _ extent: Int)
      -> [Int]
    {
      (0..<kernel).map { index * stride - padding + $0 * dilation }.filter { $0 >= 0 && $0 < extent }
    }
    let rowPlaces = (0..<rows).map { places($0, kernel.0, stride.0, padding.0, dilation.0, height) }
    let columnPlaces = (0..<columns).map { places($0, kernel.1, stride.1, padding.1, dilation.1, width) }
    tensorRequire(
      !(rowPlaces + columnPlaces).contains([]), "maxPool2d",
      "a window of \(kernel) with dilation \(dilation) lies beside input of shape \(x.shape)")
    return x.largestUnder(rowPlaces, columnPlaces)
  }
}

/// The mean of every window of a picture, PyTorch's `avg_pool2d`.
/// - Parameters:
///   - x: `[batch, channels, height, width]`, or one picture without the first axis.
///   - kernel: the height and width of a window.
///   - stride: the distance between neighbouring windows; nil for the kernel.
///   - padding: how many zeros surround the input on each side, at most half of the kernel.
///   - ceilMode: whether a window that is only partly inside counts at the end.
///   - countsPadding: whether the zeros around the input count in the denominator.
///   - divisor: divides the sums instead of the number of elements; not 0.
public func averagePool2d(
  _ x: Tensor, kernel: (Int, Int), stride: (Int, Int)? = nil, padding: (Int, Int) = (0, 0),
  ceilMode: Bool = false, countsPadding: Bool = true, divisor: Double? = nil
) -> Tensor {
  tensorRequire(divisor != 0, "averagePool2d", "the divisor must not be 0")
  let stride = stride ?? kernel
  func windows(_ input: Int, _ kernel: Int, _ stride: Int, _ padding: Int) -> SummedWindows {
    let count = windowCount(
      input, kernel: kernel, stride: stride, padding: padding, ceilMode: ceilMode, "averagePool2d")
    var result = SummedWindows(inputCount: input)
    for index in 0..<count {
      let start = index * stride - padding
      let end = min(start + kernel, input + padding)
      let inside = max(start, 0)..<max(min(end, input), max(start, 0))
      result.append(inside, size: countsPadding ? end - start : inside.count)
    }
    return result
  }
  return x.asPlanes("averagePool2d") { x in
    x.averaged(
      windows(x.shape[1], kernel.0, stride.0, padding.0), windows(x.shape[2], kernel.1, stride.1, padding.1),
      divisor: divisor)
  }
}

/// The means of as many windows as the output has elements, which together cover the input, PyTorch's
/// `adaptive_avg_pool2d`.
/// - Parameters:
///   - x: `[batch, channels, height, width]`, or one picture without the first axis.
///   - size: the height and width of the result.
public func adaptiveAveragePool2d(_ x: Tensor, size: (Int, Int)) -> Tensor {
  tensorRequire(
    windowExtents.contains(size.0) && windowExtents.contains(size.1)
      && x.shape.suffix(2).allSatisfy { $0 > 0 }, "adaptiveAveragePool2d",
    "cannot bring shape \(x.shape) to size \(size)")
  return x.asPlanes("adaptiveAveragePool2d") { x in
    x.averaged(.covering(x.shape[1], size.0), .covering(x.shape[2], size.1))
  }
}

/// The largest elements of as many windows as the output has elements, which together cover the input,
/// PyTorch's `adaptive_max_pool2d`; the gradient goes to the first of equals. Integers keep their type.
/// - Parameters:
///   - x: `[batch, channels, height, width]`, or one picture without the first axis.
///   - size: the height and width of the result.
public func adaptiveMaxPool2d(_ x: Tensor, size: (Int, Int)) -> Tensor {
  tensorRequire(
    windowExtents.contains(size.0) && windowExtents.contains(size.1)
      && x.shape.suffix(2).allSatisfy { $0 > 0 }, "adaptiveMaxPool2d",
    "cannot bring shape \(x.shape) to size \(size)")
  return x.asPlanes("adaptiveMaxPool2d", keepingIntegers: true) { x in
    let (rows, columns) = (coveredPlaces(x.shape[1], size.0), coveredPlaces(x.shape[2], size.1))
    return x.largestUnder(rows, columns)
  }
}

/// The elements that each of `output` windows covers of the input.
private func coveredPlaces(_ input: Int, _ output: Int) -> [[Int]] {
  (0..<output).map { Array($0 * input / output..<(($0 + 1) * input + output - 1) / output) }
}

/// The largest element of every window of a sequence, PyTorch's `max_pool1d`; see
/// ``maxPool2d(_:kernel:stride:padding:dilation:ceilMode:)``.
public func maxPool1d(
  _ x: Tensor, kernel: Int, stride: Int? = nil, padding: Int = 0, dilation: Int = 1, ceilMode: Bool = false
) -> Tensor {
  x.asRow("maxPool1d") {
    maxPool2d(
      $0, kernel: (1, kernel), stride: (1, stride ?? kernel), padding: (0, padding), dilation: (1, dilation),
      ceilMode: ceilMode)
  }
}

/// The mean of every window of a sequence, PyTorch's `avg_pool1d`; see
/// ``averagePool2d(_:kernel:stride:padding:ceilMode:countsPadding:divisor:)``.
public func averagePool1d(
  _ x: Tensor, kernel: Int, stride: Int? = nil, padding: Int = 0, ceilMode: Bool = false,
  countsPadding: Bool = true
) -> Tensor {
  x.asRow("averagePool1d") {
    averagePool2d(
      $0, kernel: (1, kernel), stride: (1, stride ?? kernel), padding: (0, padding), ceilMode: ceilMode,
      countsPadding: countsPadding)
  }
}

/// The means of as many windows as the output has elements, PyTorch's `adaptive_avg_pool1d`.
public func adaptiveAveragePool1d(_ x: Tensor, size: Int) -> Tensor {
  x.asRow("adaptiveAveragePool1d") { adaptiveAveragePool2d($0, size: (1, size)) }
}

/// The largest elements of as many windows as the output has elements, PyTorch's `adaptive_max_pool1d`.
public func adaptiveMaxPool1d(_ x: Tensor, size: Int) -> Tensor {
  x.asRow("adaptiveMaxPool1d") { adaptiveMaxPool2d($0, size: (1, size)) }
}

/// Windows along one axis that are summed, and what each counts for in the denominator of a mean.
struct SummedWindows {
  private(set) var windows: WeightedWindows
  private(set) var sizes: [Double] = []

  init(inputCount: Int) { windows = WeightedWindows(inputCount: inputCount) }

  mutating func append(_ inside: Range<Int>, size: Int) {
    windows.append(start: inside.lowerBound, weights: [Double](repeating: 1, count: inside.count))
    sizes.append(Double(size))
  }

  /// The elements that each of `output` elements covers of the input.
  static func covering(_ input: Int, _ output: Int) -> SummedWindows {
    var result = SummedWindows(inputCount: input)
    for i in 0..<output {
      let inside = i * input / output..<((i + 1) * input + output - 1) / output
      result.append(inside, size: inside.count)
    }
    return result
  }
}

extension Tensor {
  /// The sums over windows of the last two axes, divided by their sizes or by `divisor`.
  func averaged(_ rows: SummedWindows, _ columns: SummedWindows, divisor: Double? = nil) -> Tensor {
    let sums = resampled(rows.windows, columns.windows)
    let sizes = rows.sizes.flatMap { row in columns.sizes.map { row * $0 } }
    if let divisor = divisor ?? (Set(sizes).count == 1 ? sizes[0] : nil) { return sums / divisor }
    return sums / Tensor(sizes, shape: [rows.sizes.count, columns.sizes.count]).to(dtype)
  }

  /// The largest element of `[planes, height, width]` for every pair of window rows and columns.
  fileprivate func largestUnder(_ rows: [[Int]], _ columns: [[Int]]) -> Tensor {
    if !dtype.isFloatingPoint {
      func size(_ places: [[Int]]) -> Int { places.map(\.count).max() ?? 1 }
      return largest(rows, size(rows), axis: 1).largest(columns, size(columns), axis: 2)
    }
    let positions = positionsOfLargest(rows, columns)
    return reshaped([shape[0], shape[1] * shape[2]]).pickedFromRows(positions)
      .reshaped([shape[0], rows.count, columns.count])
  }

  /// For every pair of window rows and columns the position in its plane of the largest element, `[planes,
  /// windows]` of int32.
  fileprivate func positionsOfLargest(_ rows: [[Int]], _ columns: [[Int]]) -> Tensor {
    let (planes, height, width) = (shape[0], shape[1], shape[2])
    let source = detached().contiguous()
    let result = Tensor(uninitialized: [planes, rows.count * columns.count], dtype: .int32)
    let places = columns.flatMap { $0.map(Int32.init) }
    let ends = columns.reduce(into: [Int32]()) { $0.append(($0.last ?? 0) + Int32($1.count)) }
    let lines = rows.map { $0.map(Int32.init) }
    func search<T: WindowScalar>(_: T.Type) {
      let (input, output) = (source.pointer(T.self), result.pointer(Int32.self))
      let work = (rows.first?.count ?? 1) * (columns.first?.count ?? 1) * columns.count
      Threads.parallel(planes * rows.count, grain: Swift.max(1, (1 << 13) / Swift.max(work, 1))) { range in
        for task in range {
          let (plane, row) = task.quotientAndRemainder(dividingBy: rows.count)
          T.largestPlaces(
            input + plane * height * width, Int64(width), Int64(lines[row].count), lines[row],
            Int64(columns.count), ends, places, output + task * columns.count)
        }
      }
    }
    if dtype == .float32 { search(Float.self) } else { search(Double.self) }
    return result
  }

  /// The largest of the elements along an axis at every list of places, of which there are at most `size`.
  fileprivate func largest(_ places: [[Int]], _ size: Int, axis: Int) -> Tensor {
    // A place that is named twice changes no maximum.
    let full = places.flatMap { $0 + [Int](repeating: $0[0], count: size - $0.count) }
    var spread = shape
    spread.replaceSubrange(axis...axis, with: [places.count, size])
    return indexSelect(axis: axis, Tensor(full.map(Int64.init))).reshaped(spread).max(axes: [axis + 1])
  }

  /// Elements of every row of `[rows, n]` at int32 positions `[rows, k]`.
  fileprivate func pickedFromRows(_ positions: Tensor) -> Tensor {
    let (rows, n, k) = (shape[0], shape[1], positions.shape[1])
    let source = detached().contiguous()
    let result = Tensor(uninitialized: positions.shape, dtype: dtype)
    func pick<T: WindowScalar>(_: T.Type) {
      let (input, output, place) = (
        source.pointer(T.self), result.pointer(T.self), positions.pointer(Int32.self)
      )
      Threads.parallel(rows, grain: Swift.max(1, (1 << 14) / Swift.max(k, 1))) { range in
        for row in range {
          T.take(Int64(k), input + row * n, place + row * k, output + row * k)
        }
      }
    }
    if dtype == .float32 { pick(Float.self) } else { pick(Double.self) }
    return recorded("maxPool2d", from: self, result) { gradient, _ in
      gradient.addedToRows(at: positions, width: n)
    }
  }

  /// Zeros `[rows, width]` with this tensor's elements `[rows, k]` added at int32 positions.
  private func addedToRows(at positions: Tensor, width n: Int) -> Tensor {
    let (rows, k) = (shape[0], shape[1])
    let source = detached().contiguous()
    let result = Tensor.zeros([rows, n], dtype: dtype)
    func add<T: WindowScalar>(_: T.Type) {
      let (input, output, place) = (
        source.pointer(T.self), result.pointer(T.self), positions.pointer(Int32.self)
      )
      Threads.parallel(rows, grain: Swift.max(1, (1 << 14) / Swift.max(k, 1))) { range in
        for row in range {
          T.addAt(Int64(k), input + row * k, place + row * k, output + row * n)
        }
      }
    }
    if dtype == .float32 { add(Float.self) } else { add(Double.self) }
    return recorded("addedToRows", from: self, result) { gradient, _ in gradient.pickedFromRows(positions) }
  }
}
