/// How an element between the elements of a picture is found; PyTorch's names.
public enum GridSampleMode: String, Sendable, CaseIterable {
  /// Straight lines in every direction.
  case bilinear
  /// The element whose centre is nearest; of two the even one.
  case nearest
  /// Cubic convolution of four elements in each direction (Keys, 1981), with a = −0.75; for pictures.
  case bicubic
}

/// What lies outside of a picture; PyTorch's names.
public enum GridSamplePadding: String, Sendable, CaseIterable {
  /// Zeros.
  case zeros
  /// The element at the border.
  case border
  /// The picture again, mirrored at its border.
  case reflection
}

/// Elements of pictures at places of a grid, PyTorch's `grid_sample`.
///
/// A place is x, then y, then in volumes z, each from −1 at the first end of the picture to 1 at the last. In
/// volumes `.bilinear` is trilinear. Gradients of any order flow to `x` and, but for `.nearest`, to the grid;
/// a place at or beyond the edge of a border has none.
///
/// Every place gathers all channels at once, so that pictures with their channels together in memory,
/// as `permuted` views of `[batch, height, width, channels]`, are not copied.
///
/// Fails with a ``TensorError`` where shapes do not fit, for volumes with `.bicubic`, and for pictures
/// without elements.
/// - Parameters:
///   - x: `[batch, channels, height, width]` or `[batch, channels, depth, height, width]`.
///   - grid: `[batch, rows, columns, 2]` or `[batch, slices, rows, columns, 3]`.
///   - mode: how elements between elements are found.
///   - padding: what lies outside.
///   - alignsCorners: whether −1 and 1 are the centres of the outermost elements rather than their outer
///     edges.
/// - Returns: `[batch, channels, rows, columns]` or `[batch, channels, slices, rows, columns]`.
public func gridSample(
  _ x: Tensor, grid: Tensor, mode: GridSampleMode = .bilinear, padding: GridSamplePadding = .zeros,
  alignsCorners: Bool = false
) -> Tensor {
  let axes = x.rank - 2
  tensorRequire(
    (axes == 2 || axes == 3) && grid.rank == x.rank && grid.shape[0] == x.shape[0]
      && grid.shape[grid.rank - 1] == axes && (mode != .bicubic || axes == 2), "gridSample",
    "x of shape \(x.shape) does not fit a grid of shape \(grid.shape) for \(mode.rawValue)")
  let extents = Array(x.shape.dropFirst(2))
  tensorRequire(
    extents.allSatisfy { $0 > 0 } && grid.dtype.isFloatingPoint, "gridSample",
    "needs elements and a floating-point grid, found shape \(x.shape) and \(grid.dtype)")
  let promoted = DType.promoted(x.dtype, grid.dtype)
  let type: DType = promoted == .float64 ? .float64 : .float32
  return tensorOperation("gridSample") {
    let sampler = GridSampler(
      x.to(type), places: Array(grid.shape[1..<grid.rank - 1]), padding: padding, alignsCorners: alignsCorners
    )
    // The first of the grid's numbers belongs to the last axis.
    let coordinates = (0..<axes).map { axis in
      let last = grid.rank - 1
      let numbers = grid.to(type).slice(axis: last, axes - 1 - axis..<axes - axis)
      return sampler.position(numbers.reshaped([grid.shape[0], sampler.placeCount]), axis)
    }
    let result =
      switch mode {
      case .nearest: sampler.nearest(coordinates)
      case .bilinear: sampler.linear(coordinates)
      case .bicubic: sampler.cubic(coordinates)
      }
    return result.to(promoted)
  }
}

/// A picture whose elements are rows of all channels, and how places outside of it are treated.
private struct GridSampler {
  let extents: [Int]
  let padding: GridSamplePadding
  let alignsCorners: Bool
  /// `[batch · elements, channels]`.
  private let rows: Tensor
  private let (batch, channels): (Int, Int)
  private let places: [Int]

  /// How many places each picture is sampled at.
  var placeCount: Int { places.reduce(1, *) }

  init(_ x: Tensor, places: [Int], padding: GridSamplePadding, alignsCorners: Bool) {
    (batch, channels, extents) = (x.shape[0], x.shape[1], Array(x.shape.dropFirst(2)))
    self.places = places
    self.padding = padding
    self.alignsCorners = alignsCorners
    let order = [0] + Array(2..<x.rank) + [1]
    rows = x.permuted(order).reshaped([x.shape[0] * extents.reduce(1, *), x.shape[1]])
  }

  /// The position among the elements of an axis that numbers from −1 to 1 stand for.
  func position(_ numbers: Tensor, _ axis: Int) -> Tensor {
    let extent = Double(extents[axis])
    return alignsCorners
      ? (numbers + 1.0) * ((extent - 1) / 2) : ((numbers + 1.0) * extent - 1.0) / 2.0
  }

  /// A position brought inside by the padding; with zeros it stays where it is.
  private func inside(_ position: Tensor, _ axis: Int) -> Tensor {
    let last = Double(extents[axis] - 1)
    switch padding {
    case .zeros: return position
    case .border: return cut(position, last)
    case .reflection:
      let (low, span) = alignsCorners ? (0, last) : (-0.5, last + 1)
      if span == 0 { return cut(position * 0.0, last) }
      let distance = (position - low).abs()
      let turns = (distance.detached() / span).floor()
      let rest = distance - turns * span
      let isEven = (turns / 2.0).floor() * 2.0 .== turns
      return cut(Tensor.select(isEven, rest + low, (span + low) - rest), last)
    }
  }

  /// A position within the elements; one that was not, or is no number, is a constant.
  private func cut(_ position: Tensor, _ last: Double) -> Tensor {
    let isBelow = position .< last
    let high = Tensor.select(isBelow, position, last)
    return Tensor.select((position .> 0) .& (isBelow .| (position .>= last)), high, 0.0)
  }

  /// The rows at whole positions, `[batch, places, channels]`, where some may be outside: those count for
  /// nothing.
  private func values(_ positions: [Tensor]) -> (values: Tensor, isInside: Tensor) {
    var (number, isInside): (Tensor?, Tensor?) = (nil, nil)
    for (position, extent) in zip(positions, extents) {
      let fits = (position .>= 0) .& (position .<= Double(extent - 1))
      let index = Tensor.select(fits, position, 0.0).to(.int64)
      number = number.map { $0 * extent + index } ?? index
      isInside = isInside.map { $0 .& fits } ?? fits
    }
    let count = extents.reduce(1, *)
    let first = (Tensor.arange(batch) * count).reshaped([batch, 1]).to(.int64)
    return (rows.rows(at: number! + first), isInside!)
  }

  /// `[batch, places, channels]` as the result is laid out.
  private func laidOut(_ x: Tensor) -> Tensor {
    x.transposed(1, 2).reshaped([batch, channels] + places)
  }

  func nearest(_ positions: [Tensor]) -> Tensor {
    let whole = positions.enumerated().map { inside($1.detached(), $0).round() }
    let (values, isInside) = values(whole)
    return laidOut(values.maskedFill(.!isInside.expandedDimensions(axis: 2), 0.0))
  }

  /// The elements at all corners around a position, each weighted by how near it is.
  func linear(_ positions: [Tensor]) -> Tensor {
    let positions = positions.enumerated().map { inside($1, $0) }
    let low = positions.map { $0.detached().floor() }
    let rests = zip(positions, low).map { $0 - $1 }
    var sum: Tensor?
    for corner in 0..<1 << positions.count {
      var (weight, place): (Tensor?, [Tensor]) = (nil, [])
      for axis in positions.indices {
        let isHigh = corner >> axis & 1 == 1
        let part = isHigh ? rests[axis] : rests[axis] * -1.0 + 1.0
        weight = weight.map { $0 * part } ?? part
        place.append(isHigh ? low[axis] + 1.0 : low[axis])
      }
      add(place, weight!, to: &sum)
    }
    return laidOut(sum!)
  }

  /// Four elements in each direction; padding applies to each of them.
  func cubic(_ positions: [Tensor]) -> Tensor {
    let low = positions.map { $0.detached().floor() }
    let weights = zip(positions, low).map { position, low -> [Tensor] in
      let t = position - low
      return [
        Self.keys(t + 1.0, isNear: false), Self.keys(t, isNear: true), Self.keys(1.0 - t, isNear: true),
        Self.keys(2.0 - t, isNear: false),
      ]
    }
    var sum: Tensor?
    for (i, row) in weights[0].enumerated() {
      for (j, column) in weights[1].enumerated() {
        let place = [
          inside(low[0] + Double(i - 1), 0).round(), inside(low[1] + Double(j - 1), 1).round(),
        ]
        add(place, row * column, to: &sum)
      }
    }
    return laidOut(sum!)
  }

  /// Keys' kernel with a = −0.75 at distances below 1 or from 1 to 2.
  private static func keys(_ x: Tensor, isNear: Bool) -> Tensor {
    if isNear {
      let slope: Tensor = x * 1.25 - 2.25
      return slope * x * x + 1.0
    }
    let square: Tensor = x * -0.75 + 3.75
    let line: Tensor = square * x - 6.0
    return line * x + 3.0
  }

  private func add(_ place: [Tensor], _ weight: Tensor, to sum: inout Tensor?) {
    let (values, isInside) = values(place)
    let counted = weight.maskedFill(.!isInside, 0.0).expandedDimensions(axis: 2) * values
    sum = sum.map { $0 + counted } ?? counted
  }
}
