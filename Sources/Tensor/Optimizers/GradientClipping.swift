import CTensorKernels

extension Gradients {
  /// The Euclidean norm of the gradients of some parameters taken as one vector; a parameter that is listed
  /// twice counts once.
  public func norm(of parameters: [NamedParameter]) -> Double {
    let gradients = Self.distinct(parameters).compactMap { self[$0]?.detached() }
    let total = gradients.reduce(0.0) { $0 + Self.sumOfSquares($1, scale: 1) }
    // Squares leave the range of a type long before its numbers do.
    if total.isFinite && total > 1e-24 { return total.squareRoot() }
    let largest = gradients.reduce(0.0) { $1.count == 0 ? $0 : max($0, $1.abs().max().to(.float64).item()) }
    guard largest.isFinite && largest > 0 else { return total.squareRoot() }
    let scaled = gradients.reduce(0.0) { $0 + Self.sumOfSquares($1.to(.float64), scale: 1 / largest) }
    return largest * scaled.squareRoot()
  }

  /// The sum of the squares of a tensor's elements times a number.
  private static func sumOfSquares(_ tensor: Tensor, scale: Double) -> Double {
    let type = tensor.dtype == .float64 ? DType.float64 : .float32
    let values = (scale == 1 ? tensor : tensor * scale).to(type).contiguous()
    // Fixed pieces, so that the rounding does not depend on the number of threads.
    let piece = 1 << 16
    let count = (values.count + piece - 1) / piece
    var sums = [Double](repeating: 0, count: count)
    sums.withUnsafeMutableBufferPointer { buffer in
      nonisolated(unsafe) let sums = buffer
      Threads.parallel(count, grain: 1) { range in
        for i in range {
          let (start, length) = (i * piece, Int64(min(piece, values.count - i * piece)))
          sums[i] =
            type == .float32
            ? tk_sum_squares_f32(values.pointer(Float.self) + start, length)
            : tk_sum_squares_f64(values.pointer(Double.self) + start, length)
        }
      }
    }
    return sums.reduce(0, +)
  }

  /// Every parameter of a list once.
  private static func distinct(_ parameters: [NamedParameter]) -> [Parameter] {
    var seen = Set<UInt64>()
    return parameters.map(\.parameter).filter { seen.insert($0.identity).inserted }
  }

  /// The factor that brings a norm down to `maximum`, PyTorch's `min(1, maximum / (norm + 1e-6))`.
  public static func clippingFactor(norm: Double, maximum: Double) -> Double {
    maximum > 0 ? min(1, maximum / (norm + 1e-6)) : 1
  }

  /// Scales the gradients of some parameters so that their norm is at most `maximum`; a parameter that is
  /// listed twice is scaled once.
  /// - Returns: the norm before clipping.
  @discardableResult
  public mutating func clip(norm maximum: Double, of parameters: [NamedParameter]) -> Double {
    let norm = norm(of: parameters)
    let factor = Self.clippingFactor(norm: norm, maximum: maximum)
    if factor < 1 {
      for parameter in Self.distinct(parameters) {
        self[parameter] = self[parameter].map { $0.detached() * factor }
      }
    }
    return norm
  }

  /// Limits every element of the gradients of some parameters to `-limit ... limit`.
  public mutating func clip(value limit: Double, of parameters: [NamedParameter]) {
    for parameter in Self.distinct(parameters) {
      self[parameter] = self[parameter].map { $0.detached().clamped(-limit, limit) }
    }
  }
}
