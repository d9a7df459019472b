/// One position in a subscript: an index, a range, `.ellipsis`, `.newAxis`, several indices or a mask.
public enum TensorIndex: Sendable {
  /// One element; the axis disappears. Negative counts from the back.
  case index(Int)
  /// Part of an axis; nil bounds are the ends. A negative step walks backwards.
  case range(from: Int?, to: Int?, step: Int)
  /// As many whole axes as are not mentioned.
  case remainingAxes
  /// A new axis of extent 1.
  case insertedAxis
  /// The elements that a tensor names: integers stand for positions along one axis, a bool mask covers as
  /// many axes as it has and stands for the positions where it is true.
  case elements(Tensor)
}

/// Something that can stand in a tensor's subscript.
public protocol TensorIndexConvertible {
  /// The position it stands for.
  var tensorIndex: TensorIndex { get }
}

extension TensorIndex: TensorIndexConvertible {
  public var tensorIndex: TensorIndex { self }
}

extension Int: TensorIndexConvertible {
  public var tensorIndex: TensorIndex { .index(self) }
}

extension Range: TensorIndexConvertible where Bound == Int {
  public var tensorIndex: TensorIndex { .range(from: lowerBound, to: upperBound, step: 1) }
}

extension ClosedRange: TensorIndexConvertible where Bound == Int {
  public var tensorIndex: TensorIndex {
    .range(from: lowerBound, to: upperBound == -1 ? nil : upperBound + 1, step: 1)
  }
}

extension PartialRangeFrom: TensorIndexConvertible where Bound == Int {
  public var tensorIndex: TensorIndex { .range(from: lowerBound, to: nil, step: 1) }
}

extension PartialRangeUpTo: TensorIndexConvertible where Bound == Int {
  public var tensorIndex: TensorIndex { .range(from: nil, to: upperBound, step: 1) }
}

extension PartialRangeThrough: TensorIndexConvertible where Bound == Int {
  public var tensorIndex: TensorIndex {
    .range(from: nil, to: upperBound == -1 ? nil : upperBound + 1, step: 1)
  }
}

extension Array: TensorIndexConvertible where Element == Int {
  public var tensorIndex: TensorIndex { .elements(Tensor(self)) }
}

extension Tensor: TensorIndexConvertible {
  public var tensorIndex: TensorIndex { .elements(self) }
}

extension TensorIndexConvertible where Self == TensorIndex {
  /// As many whole axes as are not mentioned.
  public static var ellipsis: TensorIndex { .remainingAxes }
  /// A new axis of extent 1.
  public static var newAxis: TensorIndex { .insertedAxis }
  /// A whole axis.
  public static var all: TensorIndex { .range(from: nil, to: nil, step: 1) }
  /// Part of an axis with a step, NumPy's `from:to:step`; nil bounds are the ends.
  public static func slice(from: Int? = nil, to: Int? = nil, step: Int = 1) -> TensorIndex {
    .range(from: from, to: to, step: step)
  }
}

extension Tensor {
  /// Part of the tensor, or assignment to it.
  ///
  ///     x[0, 1..<3, .ellipsis, .newAxis]
  ///     x[.slice(step: -1)]                     // backwards
  ///     x[[2, 0, -1]]                           // rows 2, 0 and the last
  ///     x[x .< 0] = Tensor(0)
  ///     x[1..., 0] = Tensor.zeros([n])
  ///
  /// Negative positions count from the back; where one bound does and the other does not, Swift has no range
  /// for it: `.slice(from: 1, to: -1)`.
  ///
  /// Indices, ranges and new axes give a view. Lists of integers, integer tensors and bool masks pick
  /// elements and give a copy; several of them are broadcast together, and their axes stand where the first
  /// of them stood, or in front when other axes lie between them. Indices are applied before them (as in
  /// PyTorch; NumPy counts an index as one of them).
  ///
  /// The assigned value is broadcast and converted to this tensor's type. Assigning writes in place when no
  /// other tensor shares the memory, and copies first otherwise. When this tensor or the value is recorded,
  /// the variable holds a new recorded tensor afterwards: what was computed before keeps the old elements,
  /// and gradients flow to the value where it was written and to the old tensor everywhere else. Where a list
  /// names an element twice, the last value stays and it alone gets the gradient.
  public subscript<A: TensorIndexConvertible>(_ a: A) -> Tensor {
    get { indexed([a.tensorIndex]) }
    set { assign(newValue, at: [a.tensorIndex]) }
  }

  /// A view of part of the tensor, or assignment to it, by position in each axis.
  public subscript<A: TensorIndexConvertible, B: TensorIndexConvertible>(_ a: A, _ b: B) -> Tensor {
    get { indexed([a.tensorIndex, b.tensorIndex]) }
    set { assign(newValue, at: [a.tensorIndex, b.tensorIndex]) }
  }

  /// A view of part of the tensor, or assignment to it, by position in each axis.
  public subscript<A: TensorIndexConvertible, B: TensorIndexConvertible, C: TensorIndexConvertible>(_ a: A,
    _ b: B, _ c: C
  ) -> Tensor {
    get { indexed([a.tensorIndex, b.tensorIndex, c.tensorIndex]) }
    set { assign(newValue, at: [a.tensorIndex, b.tensorIndex, c.tensorIndex]) }
  }

  /// A view of part of the tensor, or assignment to it, by position in each axis.
  public subscript<
    A: TensorIndexConvertible, B: TensorIndexConvertible, C: TensorIndexConvertible, D: TensorIndexConvertible
  >(_ a: A, _ b: B, _ c: C, _ d: D) -> Tensor {
    get { indexed([a.tensorIndex, b.tensorIndex, c.tensorIndex, d.tensorIndex]) }
    set { assign(newValue, at: [a.tensorIndex, b.tensorIndex, c.tensorIndex, d.tensorIndex]) }
  }

  /// A view of part of the tensor, or assignment to it, by position in each axis.
  public subscript<
    A: TensorIndexConvertible, B: TensorIndexConvertible, C: TensorIndexConvertible,
    D: TensorIndexConvertible, E: TensorIndexConvertible
  >(_ a: A, _ b: B, _ c: C, _ d: D, _ e: E) -> Tensor {
    get { indexed([a.tensorIndex, b.tensorIndex, c.tensorIndex, d.tensorIndex, e.tensorIndex]) }
    set { assign(newValue, at: [a.tensorIndex, b.tensorIndex, c.tensorIndex, d.tensorIndex, e.tensorIndex]) }
  }

  /// The part that a list of positions names; see ``subscript(_:)``.
  public func indexed(_ positions: [TensorIndex]) -> Tensor {
    if positions.count == 1, case .elements(let mask) = positions[0], mask.dtype == .bool, mask.rank > 0,
      mask.shape == Array(shape.prefix(mask.rank))
    {
      if mask.rank == rank { return masked(by: mask) }
      return reshaped([mask.count] + shape.dropFirst(mask.rank)).rows(at: SelectedElements(mask).numbers())
    }
    let mentioned = positions.reduce(0) { sum, position in
      switch position {
      case .index, .range: sum + 1
      case .elements(let list): sum + (list.dtype == .bool ? list.rank : 1)
      case .remainingAxes, .insertedAxis: sum
      }
    }
    tensorRequire(
      mentioned <= rank
        && positions.count(where: { if case .remainingAxes = $0 { true } else { false } }) <= 1,
      "subscript", "positions for \(mentioned) axes of shape \(shape), or more than one ellipsis")
    var result = self
    var axis = 0
    var picked: [(axis: Int, indices: Tensor)] = []
    for position in positions {
      switch position {
      case .index(let index):
        let extent = result.shape[axis]
        let element = index < 0 ? index + extent : index
        tensorRequire(
          element >= 0 && element < extent, "subscript",
          "index \(index) is outside axis \(axis) of shape \(shape)")
        result = result.slice(axis: axis, element..<element + 1).squeezed(axis: axis)
      case .range(let from, let to, let step):
        let extent = result.shape[axis]
        tensorRequire(step != 0, "subscript", "a step must not be 0")
        result = result.slice(axis: axis, Self.range(from, to, step, extent), step: step)
        axis += 1
      case .remainingAxes:
        axis += rank - mentioned
      case .insertedAxis:
        result = result.expandedDimensions(axis: axis)
        axis += 1
      case .elements(let list):
        for indices in list.axisIndices(along: axis, of: result.shape) {
          picked.append((axis, indices))
          axis += 1
        }
      }
    }
    return picked.isEmpty ? result : result.picking(picked)
  }

  /// The elements that Python's `from:to:step` walks over, as a range in ascending order.
  private static func range(_ from: Int?, _ to: Int?, _ step: Int, _ extent: Int) -> Range<Int> {
    func fromFront(_ bound: Int) -> Int { bound < 0 ? bound + extent : bound }
    if step > 0 {
      let low = from.map { Swift.min(Swift.max(fromFront($0), 0), extent) } ?? 0
      let high = to.map { Swift.min(Swift.max(fromFront($0), 0), extent) } ?? extent
      return low..<Swift.max(low, high)
    }
    let first = from.map { Swift.min(Swift.max(fromFront($0), -1), extent - 1) } ?? extent - 1
    let last = to.map { Swift.min(Swift.max(fromFront($0), -1), extent - 1) } ?? -1
    return Swift.min(last, first) + 1..<first + 1
  }
}
