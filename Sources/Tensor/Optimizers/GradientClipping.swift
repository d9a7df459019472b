import CTensorKernels

extension Gradients {
  /// The Euclidean norm of the gradients of some parameters taken as one vector.
  public func norm(of parameters: [NamedParameter]) -> Double {
    parameters.reduce(0.0) { total, entry in
      guard let gradient = self[entry.parameter]?.detached().contiguous() else { return total }
      // Fixed pieces, so that the rounding does not depend on the number of threads.
      let piece = 1 << 16
      let count = (gradient.count + piece - 1) / piece
      var sums = [Double](repeating: 0, count: count)
      sums.withUnsafeMutableBufferPointer { buffer in
        nonisolated(unsafe) let sums = buffer
        Threads.parallel(count, grain: 1) { range in
          for i in range {
            let (start, length) = (i * piece, Int64(min(piece, gradient.count - i * piece)))
            sums[i] =
              gradient.dtype == .float32
              ? tk_sum_squares_f32(gradient.pointer(Float.self) + start, length)
              : tk_sum_squares_f64(gradient.pointer(Double.self) + start, length)
          }
        }
      }
      return total + sums.reduce(0, +)
    }.squareRoot()
  }

  /// The factor that brings a norm down to `maximum`, PyTorch's `min(1, maximum / (norm + 1e-6))`.
  public static func clippingFactor(norm: Double, maximum: Double) -> Double {
    maximum > 0 ? min(1, maximum / (norm + 1e-6)) : 1
  }

  /// Scales the gradients of some parameters so that their norm is at most `maximum`.
  /// - Returns: the norm before clipping.
  @discardableResult
  public mutating func clip(norm maximum: Double, of parameters: [NamedParameter]) -> Double {
    let norm = norm(of: parameters)
    let factor = Self.clippingFactor(norm: norm, maximum: maximum)
    if factor < 1 {
      for (_, parameter) in parameters { self[parameter] = self[parameter].map { $0.detached() * factor } }
    }
    return norm
  }

  /// Limits every element of the gradients of some parameters to `-limit ... limit`.
  public mutating func clip(value limit: Double, of parameters: [NamedParameter]) {
    for (_, parameter) in parameters {
      self[parameter] = self[parameter].map { $0.detached().clamped(-limit, limit) }
    }
  }
}
