import Foundation
import TestSupport
import Testing

import Tensor

/// Transforms agree with NumPy's (`Tests/Fixtures/fft`).
@Suite struct FourierFixtureTests {
  struct Row: Decodable, Sendable, CustomTestStringConvertible {
    let op: String
    let shape: [Int]
    let isComplex: Bool
    let step: Int
    let result: [Int]
    let n: Int?
    let axis: Int?
    let s: [Int]?
    let axes: [Int]?
    let norm: String?
    let real: [Double]
    let imaginary: [Double]?

    var testDescription: String {
      "\(op) of \(shape), n \(n ?? 0), axis \(axis ?? -1), s \(s ?? []), axes \(axes ?? []), \(norm ?? "")"
    }
  }

  /// A result with real or complex elements.
  enum Outcome {
    case real(Tensor)
    case complex(ComplexTensor)
  }

  static func rows() throws -> [Row] {
    try JSONDecoder().decode([Row].self, from: Data(contentsOf: Fixtures.url("fft/transforms.json")))
  }

  /// The numbers of `make_fixtures.py`.
  static func numbers(_ shape: [Int]) -> ComplexTensor {
    let count = shape.reduce(1, *)
    let real = (0..<count).map { Double($0 * 7919 % 1013) / 1013 - 0.5 }
    let imaginary = (0..<count).map { Double($0 * 104_729 % 997) / 997 - 0.25 }
    return ComplexTensor(real: Tensor(real, shape: shape), imaginary: Tensor(imaginary, shape: shape))
  }

  static func apply(_ row: Row, _ z: ComplexTensor) throws -> Outcome {
    let norm = row.norm.flatMap(FFTNorm.init(rawValue:)) ?? .backward
    let (n, axis, s) = (row.n, row.axis ?? -1, row.s)
    let two = row.axes ?? [-2, -1]
    switch row.op {
    case "fft": return .complex(z.fft(n: n, axis: axis, norm: norm))
    case "ifft": return .complex(z.ifft(n: n, axis: axis, norm: norm))
    case "rfft": return .complex(z.real.rfft(n: n, axis: axis, norm: norm))
    case "ihfft": return .complex(z.real.ihfft(n: n, axis: axis, norm: norm))
    case "irfft": return .real(z.irfft(n: n, axis: axis, norm: norm))
    case "hfft": return .real(z.hfft(n: n, axis: axis, norm: norm))
    case "fft2": return .complex(z.fft2(s: s, axes: two, norm: norm))
    case "ifft2": return .complex(z.ifft2(s: s, axes: two, norm: norm))
    case "rfft2": return .complex(z.real.rfft2(s: s, axes: two, norm: norm))
    case "irfft2": return .real(z.irfft2(s: s, axes: two, norm: norm))
    case "fftn": return .complex(z.fftn(s: s, axes: row.axes, norm: norm))
    case "ifftn": return .complex(z.ifftn(s: s, axes: row.axes, norm: norm))
    case "rfftn": return .complex(z.real.rfftn(s: s, axes: row.axes, norm: norm))
    case "irfftn": return .real(z.irfftn(s: s, axes: row.axes, norm: norm))
    default: throw TensorError(operation: row.op, message: "unknown")
    }
  }

  /// The largest difference between some elements and what they should be, relative to the largest of those.
  static func difference(_ found: Tensor, _ expected: [Double], step: Int) -> Double {
    let values = found.array(of: Double.self)
    let picked = stride(from: 0, to: values.count, by: step).map { values[$0] }
    guard picked.count == expected.count else { return .infinity }
    return zip(picked, expected).map { abs($0 - $1) }.max() ?? 0
  }

  @Test func everyTransform() throws {
    let rows = try Self.rows()
    #expect(rows.count > 300)
    for row in rows {
      for type in [ComplexDType.complex128, .complex64] {
        let outcome = try Self.apply(row, Self.numbers(row.shape).to(type))
        let scale = ((row.real + (row.imaginary ?? [])).map { abs($0) }.max() ?? 0) + 1e-3
        let allowed = (type == .complex128 ? 2e-14 : 2e-6) * scale
        switch outcome {
        case .real(let found):
          #expect(found.shape == row.result, "\(row.testDescription)")
          #expect(found.dtype == type.partType)
          let worst = Self.difference(found, row.real, step: row.step)
          #expect(worst <= allowed, "\(row.testDescription): \(worst) in \(type)")
          #expect(row.imaginary == nil)
        case .complex(let found):
          #expect(found.shape == row.result, "\(row.testDescription)")
          #expect(found.dtype == type)
          let worst = max(
            Self.difference(found.real, row.real, step: row.step),
            Self.difference(found.imaginary, try #require(row.imaginary), step: row.step))
          #expect(worst <= allowed, "\(row.testDescription): \(worst) in \(type)")
        }
      }
    }
  }

  @Test func frequencies() {
    #expect(Tensor.fftfreq(5, spacing: 0.5, dtype: .float64).array() == [0, 0.4, 0.8, -0.8, -0.4])
    #expect(Tensor.fftfreq(4).array() == [0, 0.25, -0.5, -0.25] as [Float])
    #expect(Tensor.rfftfreq(4).array() == [0, 0.25, 0.5] as [Float])
    #expect(Tensor.rfftfreq(5, dtype: .float64).array() == [0, 0.2, 0.4])
    #expect(Tensor.rfftfreq(1).array() == [0] as [Float] && Tensor.fftfreq(1).array() == [0] as [Float])
    #expect(Tensor.fftfreq(6, dtype: .float16).dtype == .float16)
  }

  @Test func shifts() {
    let five = Tensor.arange(5)
    #expect(five.fftshift().array() == [3, 4, 0, 1, 2])
    #expect(five.ifftshift().array() == [2, 3, 4, 0, 1])
    let grid = Tensor.arange(6).reshaped([2, 3])
    #expect(grid.fftshift().array() == [5, 3, 4, 2, 0, 1])
    #expect(grid.fftshift(axes: [-1]).array() == [2, 0, 1, 5, 3, 4])
    #expect(grid.fftshift().ifftshift().array() == grid.array(of: Int.self))
    let z = ComplexTensor(real: five, imaginary: -five)
    #expect(z.fftshift().imaginary.array() == [-3, -4, 0, -1, -2] as [Float])
    #expect(z.fftshift().ifftshift().real.array() == [0, 1, 2, 3, 4] as [Float])
    #expect(Tensor.zeros([0, 3]).fftshift().shape == [0, 3])
  }
}
