import Tensor

extension NodeTest {
  /// Computes the outputs of every set of data and compares types, shapes and values.
  /// - Returns: what is wrong, nil when nothing is.
  func problem() -> String? {
    do {
      return try withTensorErrors {
        let model = try OnnxModel(model)
        for (number, set) in dataSets.enumerated() {
          let inputs = try set.inputs.map { try NamedTensor($0).tensor }
          let expected = try set.outputs.map { try NamedTensor($0).tensor }
          let results = try GraphRun(versions: model.versions)(model.graph, inputs)
          guard results.count == expected.count else {
            return "\(results.count) outputs, expected \(expected.count)"
          }
          for (index, (result, wanted)) in zip(results, expected).enumerated() {
            if let problem = Closeness.problem(of: result, from: wanted) {
              return "set \(number), output \(index): \(problem)"
            }
          }
        }
        return dataSets.isEmpty ? "no data" : nil
      }
    } catch {
      return "\(error)"
    }
  }
}

/// When a result counts as the expected one.
enum Closeness {
  /// How far an element may be from the expected one: relative to that, and absolutely.
  ///
  /// ONNX allows 1e-3 and 1e-7 for every type. Here sums in another order may differ: a float32 has seven
  /// digits, of which five and a half have to agree, a float64 sixteen, of which twelve do. A half may be two
  /// units in the last place of its 11 or 8 significant bits off, as ONNX's reference rounds every step of an
  /// attention and ours rounds once.
  ///
  /// - Parameter scale: the largest magnitude that is expected: where terms of that size cancel, what is left
  ///   is their rounding.
  static func allowed(_ type: DType, scale: Double) -> (relative: Double, absolute: Double) {
    switch type {
    case .float64: (1e-12, 1e-13)
    case .float32: (5e-6, max(1e-6, 1e-7 * scale))
    case .float16: (0x1p-9, 1e-5)
    case .bfloat16: (0x1p-6, 1e-4)
    case .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .bool: (0, 0)
    }
  }

  /// What is wrong with a result, nil when nothing is.
  static func problem(of result: Tensor, from expected: Tensor) -> String? {
    guard result.dtype == expected.dtype else { return "type \(result.dtype), expected \(expected.dtype)" }
    guard result.shape == expected.shape else { return "shape \(result.shape), expected \(expected.shape)" }
    if result.dtype.isInteger, result.dtype != .uint64 {
      let (ours, theirs) = (result.array(of: Int64.self), expected.array(of: Int64.self))
      let index = ours.indices.first { ours[$0] != theirs[$0] }
      return index.map { "element \($0) is \(ours[$0]), expected \(theirs[$0])" }
    }
    let (ours, theirs) = (result.array(of: Double.self), expected.array(of: Double.self))
    let scale = theirs.lazy.filter(\.isFinite).map { abs($0) }.max() ?? 0
    let (relative, absolute) = allowed(result.dtype, scale: scale)
    let index = ours.indices.first { index in
      let (a, b) = (ours[index], theirs[index])
      if a == b || (a.isNaN && b.isNaN) { return false }
      return !(abs(a - b) <= absolute + relative * abs(b)) || !b.isFinite
    }
    return index.map { "element \($0) is \(ours[$0]), expected \(theirs[$0])" }
  }
}
