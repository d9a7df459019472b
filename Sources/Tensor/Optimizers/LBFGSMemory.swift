/// What ``LBFGS`` knows of the curvature: differences of gradients and of parameters, latest last.
struct LBFGSMemory {
  /// `y` of every update, PyTorch's `old_dirs`.
  private var gradientChanges: [Tensor] = []
  /// `s` of every update, PyTorch's `old_stps`.
  private var steps: [Tensor] = []
  /// `1 / (y · s)`.
  private var inverses: [Double] = []
  /// What the identity is scaled by, PyTorch's `H_diag`.
  private var scale = 1.0
  private var previousGradient: Tensor?
  /// Where the latest iteration went, and how far.
  private(set) var direction: Tensor?
  var step = 0.0

  init() {}

  /// The number of elements of all vectors; nil before the first iteration.
  var width: Int? { direction?.count }

  static func dot(_ a: Tensor, _ b: Tensor) -> Double { a.matmul(b).item() }

  static func error(_ message: String) -> TensorError { TensorError(operation: "LBFGS", message: message) }

  /// Takes in the gradient where the latest step led to, and turns the direction to the present estimate of
  /// Newton's: the two loops of algorithm 7.4 of Nocedal and Wright.
  mutating func turn(to gradient: Tensor, isFirst: Bool, historySize: Int) {
    guard !isFirst, let previousGradient, let latest = direction else {
      (direction, self.previousGradient) = (-gradient, gradient)
      (gradientChanges, steps, inverses, scale) = ([], [], [], 1)
      return
    }
    let (change, move) = (gradient - previousGradient, latest * step)
    let curvature = Self.dot(change, move)
    if curvature > 1e-10 {
      if steps.count >= historySize {
        gradientChanges.removeFirst()
        steps.removeFirst()
        inverses.removeFirst()
      }
      gradientChanges.append(change)
      steps.append(move)
      inverses.append(1 / curvature)
      scale = curvature / Self.dot(change, change)
    }
    var result = -gradient
    var shares = [Double](repeating: 0, count: steps.count)
    for i in steps.indices.reversed() {
      shares[i] = Self.dot(steps[i], result) * inverses[i]
      result -= gradientChanges[i] * shares[i]
    }
    result *= scale
    for i in steps.indices {
      let rest = shares[i] - Self.dot(gradientChanges[i], result) * inverses[i]
      result += steps[i] * rest
    }
    (direction, self.previousGradient) = (result, gradient)
  }

  /// The parts of a saved state; nil where there is nothing to save.
  func named() -> [(name: String, tensor: Tensor)]? {
    guard let direction, let previousGradient else { return nil }
    let none = Tensor.zeros([0, direction.count], dtype: direction.dtype)
    return [
      ("H_diag", Tensor([scale], shape: [])), ("d", direction),
      ("old_dirs", gradientChanges.isEmpty ? none : Tensor.stacked(gradientChanges)),
      ("old_stps", steps.isEmpty ? none : Tensor.stacked(steps)),
      ("prev_flat_grad", previousGradient), ("ro", Tensor(inverses, shape: [inverses.count])),
      ("t", Tensor([step], shape: [])),
    ]
  }

  /// A memory from a saved state, converted to the parameters' type.
  /// - Throws: ``TensorError`` where something is missing, unknown, or does not fit.
  init(_ saved: [String: Tensor], _ parameters: FlatParameters, historySize: Int) throws {
    var rest = saved
    func take(_ name: String, _ shape: [Int]) throws -> Tensor {
      guard let tensor = rest.removeValue(forKey: name) else {
        throw Self.error("the saved state is incomplete: \(name)")
      }
      guard tensor.shape == shape, tensor.dtype.isFloatingPoint else {
        throw Self.error("the saved \(name) is \(tensor.dtype) \(tensor.shape), needed is a float \(shape)")
      }
      return tensor
    }
    let kept = saved["ro"]?.shape.first ?? 0
    guard kept <= historySize else {
      throw Self.error("the saved history of \(kept) is longer than the history size \(historySize)")
    }
    let (width, dtype) = (parameters.count, parameters.dtype)
    func vectors(_ name: String) throws -> [Tensor] {
      let all = try take(name, [kept, width]).to(dtype)
      return (0..<kept).map { all.slice(axis: 0, $0..<$0 + 1).reshaped([width]).contiguous() }
    }
    inverses = try take("ro", [kept]).array(of: Double.self)
    (gradientChanges, steps) = (try vectors("old_dirs"), try vectors("old_stps"))
    (scale, step) = (try take("H_diag", []).item(), try take("t", []).item())
    direction = try take("d", [width]).to(dtype).contiguous()
    previousGradient = try take("prev_flat_grad", [width]).to(dtype).contiguous()
    if let name = rest.keys.min() {
      throw Self.error("the saved state has \(name), which this optimizer does not know")
    }
  }
}
