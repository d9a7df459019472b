/// One position in a subscript: an index, a range, `.ellipsis` or `.newAxis`.
public enum TensorIndex: Sendable {
  /// One element; the axis disappears. Negative counts from the back.
  case index(Int)
  /// Part of an axis; nil bounds are the ends. A negative step walks backwards.
  case range(from: Int?, to: Int?, step: Int)
  /// As many whole axes as are not mentioned.
  case remainingAxes
  /// A new axis of extent 1.
  case insertedAxis
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
  public var tensorIndex: TensorIndex { .range(from: lowerBound, to: upperBound + 1, step: 1) }
}

extension PartialRangeFrom: TensorIndexConvertible where Bound == Int {
  public var tensorIndex: TensorIndex { .range(from: lowerBound, to: nil, step: 1) }
}

extension PartialRangeUpTo: TensorIndexConvertible where Bound == Int {
  public var tensorIndex: TensorIndex { .range(from: nil, to: upperBound, step: 1) }
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
  /// A view of part of the tensor, or assignment to it.
  ///
  ///     x[0, 1..<3, .ellipsis, .newAxis]
  ///     x[.slice(step: -1)]
  ///     x[1..., 0] = Tensor.zeros([n])
  ///
  /// Assigning writes in place when no other tensor shares the memory, and copies first otherwise.
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

  /// A view of the part that a list of positions names.
  public func indexed(_ positions: [TensorIndex]) -> Tensor {
    let mentioned = positions.count {
      if case .index = $0 { true } else if case .range = $0 { true } else { false }
    }
    tensorRequire(mentioned <= rank, "subscript", "\(mentioned) positions for shape \(shape)")
    var result = self
    var axis = 0
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
        func position(_ bound: Int) -> Int {
          Swift.min(Swift.max(bound < 0 ? bound + extent : bound, 0), extent)
        }
        let range: Range<Int>
        if step > 0 {
          let low = from.map(position) ?? 0
          range = low..<Swift.max(low, to.map(position) ?? extent)
        } else {
          let high = from.map { Swift.min(position($0) + 1, extent) } ?? extent
          range = Swift.min(high, to.map { position($0) + 1 } ?? 0)..<high
        }
        result = result.slice(axis: axis, range, step: step)
        axis += 1
      case .remainingAxes:
        axis += rank - mentioned
      case .insertedAxis:
        result = result.expandedDimensions(axis: axis)
        axis += 1
      }
    }
    return result
  }

  /// Writes `value`, broadcast to its shape, into the part that a list of positions names.
  private mutating func assign(_ value: Tensor, at positions: [TensorIndex]) {
    if requiresGradient || value.requiresGradient {
      // A recorded tensor is never written to: blend instead, so that gradients flow to both.
      var mask = Tensor.zeros(shape, dtype: .bool)
      mask.assign(Tensor(1, dtype: .bool), at: positions)
      var spread = Tensor.zeros(shape, dtype: .int64)
      let numbers = Tensor.arange(count).reshaped(shape).indexed(positions)
      let target = value.to(dtype).expanded(to: numbers.shape)
      spread.assign(Tensor.arange(target.count).reshaped(target.shape), at: positions)
      let source = target.contiguous().reshaped([target.count]).rows(at: spread)
      self = Tensor.select(mask, source, self)
      return
    }
    makeUnique()
    let part = indexed(positions)
    tensorRequire(
      Tensor.broadcastShape(value.shape, part.shape, "subscript") == part.shape, "subscript",
      "a value of shape \(value.shape) cannot be assigned to a part of shape \(part.shape)")
    value.to(dtype).write(into: part)
  }
}
