import Foundation
import Tensor
import TestSupport

/// A case of `Tests/Fixtures/array-functions/cases.json`: a call, and what NumPy gives.
struct ArrayFunctionCase: Decodable {
  /// A tensor as its bits.
  struct Numbers: Decodable {
    var type: String
    var shape: [Int]
    var bits: String
    var ulps: Double?

    var tensor: Tensor {
      let type = DType(rawValue: type)!
      let words = words(type.byteSize)
      switch type {
      case .float16: return Tensor(words.map { Float16(bitPattern: UInt16($0)) }, shape: shape)
      case .bfloat16: return Tensor(words.map { BFloat16(bitPattern: UInt16($0)) }, shape: shape)
      case .float32: return Tensor(words.map { Float(bitPattern: UInt32($0)) }, shape: shape)
      case .float64: return Tensor(words.map { Double(bitPattern: $0) }, shape: shape)
      case .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64:
        func integers<T: FixedWidthInteger & TensorScalar>(_: T.Type) -> Tensor {
          Tensor(words.map { T(truncatingIfNeeded: $0) }, shape: shape)
        }
        return type.withIntegerType { integers($0) }!
      case .bool: return Tensor(words.map { $0 != 0 }, shape: shape)
      }
    }

    private func words(_ byteSize: Int) -> [UInt64] {
      let digits = Array(bits.utf8)
      return stride(from: 0, to: digits.count, by: 2 * byteSize).map { start in
        digits[start..<start + 2 * byteSize].reduce(0) { $0 << 4 | UInt64($1 >= 97 ? $1 - 87 : $1 - 48) }
      }
    }

    /// What differs from a result, in words; nil where nothing does.
    func difference(from found: Tensor) -> String? {
      let expected = tensor
      guard found.dtype == expected.dtype, found.shape == expected.shape else {
        return "\(found.dtype)\(found.shape), expected \(type)\(shape)"
      }
      if !found.dtype.isFloatingPoint {
        let (got, wanted) = (found.array(of: Int64.self), expected.array(of: Int64.self))
        return zip(got, wanted).first { $0 != $1 }.map { "\($0) for \($1)" }
      }
      let (got, wanted) = (found.array(of: Double.self), expected.array(of: Double.self))
      return zip(got, wanted).enumerated().first { !agrees($1.0, $1.1, found.dtype) }
        .map { "element \($0): \($1.0), expected \($1.1)" }
    }

    private func agrees(_ got: Double, _ wanted: Double, _ type: DType) -> Bool {
      if got.isNaN || wanted.isNaN { return got.isNaN && wanted.isNaN }
      if got == wanted { return got != 0 || got.sign == wanted.sign || (ulps ?? 0) > 0 }
      if got.isInfinite || wanted.isInfinite { return false }
      let unit = lastPlaces(of: wanted, type).unit
      return abs(got - wanted) <= (ulps ?? 0) * unit
    }
  }

  /// What is no tensor.
  struct Arguments: Decodable {
    var axis: Int?
    var axes: [Int]?
    var places: [Int]?
    var order: JSONNumber?
    var count: Int?
    var fractions: [Double]?
    var mode: String?
    var keeps: Bool?
    var range: [Double]?
    var prepends: Bool?
    var appends: Bool?
    var weighs: Bool?
    var density: Bool?
    var edges: Bool?
    var first: Bool?
    var without: [Int]?
  }

  /// A number, or a text where JSON has none, such as `inf`.
  struct JSONNumber: Decodable {
    let value: Double

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let number = try? container.decode(Double.self) {
        value = number
      } else {
        value = Double(try container.decode(String.self))!
      }
    }
  }

  var op: String
  var args: Arguments
  var `in`: [Numbers]
  var out: [Numbers]

  private struct File: Decodable {
    var cases: [ArrayFunctionCase]
  }

  static func all() throws -> [ArrayFunctionCase] {
    try JSONDecoder().decode(File.self, from: Data(contentsOf: Fixtures.url("array-functions/cases.json")))
      .cases
  }
}

extension ArrayFunctionCase {
  typealias Function = @Sendable (_ inputs: [Tensor], _ arguments: Arguments) throws -> [Tensor]

  /// The calls by the names of the cases.
  static let functions: [String: Function] = [
    "hypot": { x, _ in [x[0].hypot(x[1])] },
    "copysign": { x, _ in [x[0].copysign(x[1])] },
    "nextAfter": { x, _ in [x[0].nextAfter(x[1])] },
    "signBit": { x, _ in [x[0].signBit()] },
    "trunc": { x, _ in [x[0].trunc()] },
    "isPositiveInfinity": { x, _ in [x[0].isPositiveInfinity()] },
    "isNegativeInfinity": { x, _ in [x[0].isNegativeInfinity()] },
    "positive": { x, _ in [+x[0]] },
    "bitwiseAnd": { x, _ in [x[0] & x[1]] },
    "bitwiseOr": { x, _ in [x[0] | x[1]] },
    "bitwiseXor": { x, _ in [x[0] ^ x[1]] },
    "bitwiseNot": { x, _ in [~x[0]] },
    "bitwiseLeftShift": { x, _ in [x[0].bitwiseLeftShift(x[1])] },
    "bitwiseRightShift": { x, _ in [x[0].bitwiseRightShift(x[1])] },
    "meshgrid": { x, a in Tensor.meshgrid(x, indexing: MeshIndexing(rawValue: a.mode!)!) },
    "moved": { x, a in [x[0].moved(axes: a.axes!, to: a.places!)] },
    "unstacked": { x, a in x[0].unstacked(axis: a.axis!) },
    "broadcast": { x, _ in Tensor.broadcast(x) },
    "diff": { x, a in
      let edges = x.dropFirst()
      return [
        x[0].diff(
          a.order.map { Int($0.value) } ?? 1, axis: a.axis ?? -1,
          prepending: a.prepends == true ? edges.first : nil, appending: a.appends == true ? edges.last : nil)
      ]
    },
    "takeAlong": { x, a in [(a.first == true ? x[0][0..<1] : x[0]).takeAlong(axis: a.axis!, x[1])] },
    "vecdot": { x, a in [vecdot(x[0], x[1], axis: a.axis ?? -1)] },
    "cross": { x, a in [cross(x[0], x[1], axis: a.axis ?? -1)] },
    "kron": { x, _ in [kron(x[0], x[1])] },
    "matrixPower": { x, a in [try x[0].matrixPower(a.count!)] },
    "searchSorted": { x, a in
      [x[0].searchSorted(x[1], side: SearchSide(rawValue: a.mode!)!, sorter: x.count > 2 ? x[2] : nil)]
    },
    "isIn": { x, _ in [x[0].isIn(x[1])] },
    "quantile": { x, a in
      let rows = (0..<(x[0].shape.first ?? 0)).filter { !(a.without ?? []).contains($0) }
      let source = a.without?.isEmpty == false ? x[0][rows] : x[0]
      return [
        source.quantile(
          a.fractions!, axis: a.axis, keepDims: a.keeps ?? false,
          interpolation: QuantileInterpolation(rawValue: a.mode!)!)
      ]
    },
    "median": { x, a in [x[0].median(axis: a.axis)] },
    "nanSum": { x, a in [x[0].nanSum(axes: a.axes, keepDims: a.keeps!)] },
    "nanMean": { x, a in [x[0].nanMean(axes: a.axes, keepDims: a.keeps!)] },
    "nanMax": { x, a in [x[0].nanMax(axes: a.axes, keepDims: a.keeps!)] },
    "nanMin": { x, a in [x[0].nanMin(axes: a.axes, keepDims: a.keeps!)] },
    "histogram": { x, a in
      let found =
        a.edges == true
        ? x[0].histogram(edges: x[1], density: a.density ?? false)
        : x[0].histogram(
          bins: a.count!, range: a.range.map { ($0[0], $0[1]) }, weights: a.weighs == true ? x[1] : nil,
          density: a.density ?? false)
      return [found.counts, found.edges]
    },
    "binCount": { x, a in [x[0].binCount(weights: x.count > 1 ? x[1] : nil, minLength: a.count ?? 0)] },
    "cdist": { x, a in [cdist(x[0], x[1], order: a.order!.value)] },
    "covariance": { x, a in
      [
        x[0].covariance(
          correction: a.order!.value, frequencies: x.count > 1 ? x[1] : nil,
          weights: x.count > 2 ? x[2] : nil)
      ]
    },
    "correlationCoefficients": { x, _ in [x[0].correlationCoefficients()] },
  ]
}
