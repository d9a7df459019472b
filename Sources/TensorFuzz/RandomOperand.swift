import Tensor

/// An input of a drawn case: stored elements, and the views that turn them into what the operation sees. Both
/// sides build it from the same numbers.
struct RandomOperand {
  /// A view of a tensor, without a copy.
  enum View {
    case permute([Int])
    case slice(axis: Int, start: Int, stop: Int, step: Int)
    case flip(axis: Int)
    case expand([Int])

    func callAsFunction(_ x: Tensor) -> Tensor {
      switch self {
      case .permute(let order): x.permuted(order)
      case .slice(let axis, let start, let stop, let step): x.slice(axis: axis, start..<stop, step: step)
      case .flip(let axis): x.flipped(axes: [axis])
      case .expand(let shape): x.expanded(to: shape)
      }
    }

    var python: String {
      switch self {
      case .permute(let order): ".permute(\(pythonTuple(order)))"
      case .slice(let axis, let start, let stop, let step):
        "[(slice(None),) * \(axis) + (slice(\(start), \(stop), \(step)),)]"
      case .flip(let axis): ".flip(\(axis))"
      case .expand(let shape): ".expand(\(pythonTuple(shape)))"
      }
    }
  }

  let dtype: DType
  let storedShape: [Int]
  let elements: [Double]
  let views: [View]
  /// The shape after the views.
  let shape: [Int]

  /// Draws an operand that has `shape` after up to three views.
  init(
    _ shape: [Int], dtype: DType, in range: ClosedRange<Double>, isWhole: Bool? = nil,
    using generator: inout RandomGenerator
  ) {
    self.shape = shape
    self.dtype = dtype
    var stored = shape
    var views: [View] = []
    for _ in 0..<generator.below(4) where !stored.isEmpty {
      let axis = generator.below(stored.count)
      switch generator.below(4) {
      case 0:
        let order = generator.permutation(stored.count)
        var before = stored
        for (place, source) in order.enumerated() { before[source] = stored[place] }
        stored = before
        views.append(.permute(order))
      case 1:
        let (start, step) = (generator.below(3), 1 + generator.below(3))
        let stop = start + (stored[axis] == 0 ? 0 : (stored[axis] - 1) * step + 1)
        stored[axis] = stop + generator.below(3)
        views.append(.slice(axis: axis, start: start, stop: stop, step: step))
      case 2: views.append(.flip(axis: axis))
      default:
        guard stored[axis] > 1 else { continue }
        views.append(.expand(stored))
        stored[axis] = 1
      }
    }
    storedShape = stored
    self.views = views.reversed()
    let whole = isWhole ?? !dtype.isFloatingPoint
    elements = (0..<stored.reduce(1, *)).map { _ in
      let value = range.lowerBound + (range.upperBound - range.lowerBound) * generator.uniform()
      return dtype == .bool ? (generator.uniform() < 0.5 ? 0 : 1) : whole ? value.rounded() : value
    }
  }

  /// An operand with the elements given, as they are.
  init(elements: [Double], shape: [Int], dtype: DType) {
    self.elements = elements
    self.shape = shape
    self.dtype = dtype
    storedShape = shape
    views = []
  }

  /// The stored elements in the operand's type.
  var stored: Tensor { Tensor(elements, shape: storedShape).to(dtype) }

  /// What the operation sees of the stored elements.
  func viewed(_ stored: Tensor) -> Tensor { views.reduce(stored) { $1($0) } }

  var message: PeerOperand {
    PeerOperand(
      dtype: dtype.rawValue, shape: storedShape, data: PeerOperand.text(stored.array(of: Double.self)),
      view: views.map(\.python).joined())
  }
}

/// A tuple as Python writes it.
func pythonTuple(_ values: [Int]) -> String {
  "(" + values.map { "\($0)," }.joined(separator: " ") + ")"
}

extension RandomGenerator {
  /// A whole number of `0 ..< bound`.
  mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }

  /// One of several.
  mutating func pick<T>(_ choices: [T]) -> T { choices[below(choices.count)] }

  /// A shape of up to `rank` axes of up to five; one axis in eight is empty when `allowsEmpty`.
  mutating func shape(rank: ClosedRange<Int> = 0...4, allowsEmpty: Bool = true) -> [Int] {
    (0..<rank.lowerBound + below(rank.count)).map { _ in
      allowsEmpty && below(12) == 0 ? 0 : 1 + below(5)
    }
  }

  /// A shape that broadcasts with `shape`: some axes 1, some of the first left out.
  mutating func broadcastable(with shape: [Int]) -> [Int] {
    Array(
      shape.map { below(4) == 0 ? 1 : $0 }.dropFirst(
        below(3) == 0 && !shape.isEmpty ? 1 + below(shape.count) : 0))
  }
}
