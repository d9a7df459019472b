import Tensor
import Testing

/// In the order of `DType.allCases`: PyTorch's `(ones(2, dtype=row) + ones(2, dtype=column)).dtype`, and
/// where that has none (uint16, uint32 and uint64 with other types) NumPy's for two integers.
private let promotions: [DType: [DType]] = [
  .float16: [.float16, .float32, .float32, .float64] + Array(repeating: .float16, count: 9),
  .bfloat16: [.float32, .bfloat16, .float32, .float64] + Array(repeating: .bfloat16, count: 9),
  .float32: [.float32, .float32, .float32, .float64] + Array(repeating: .float32, count: 9),
  .float64: Array(repeating: .float64, count: 13),
  .int8: floats + [.int8, .int16, .int32, .int64, .int16, .int32, .int64, .float64, .int8],
  .int16: floats + [.int16, .int16, .int32, .int64, .int16, .int32, .int64, .float64, .int16],
  .int32: floats + [.int32, .int32, .int32, .int64, .int32, .int32, .int64, .float64, .int32],
  .int64: floats + [.int64, .int64, .int64, .int64, .int64, .int64, .int64, .float64, .int64],
  .uint8: floats + [.int16, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .uint8],
  .uint16: floats + [.int32, .int32, .int32, .int64, .uint16, .uint16, .uint32, .uint64, .uint16],
  .uint32: floats + [.int64, .int64, .int64, .int64, .uint32, .uint32, .uint32, .uint64, .uint32],
  .uint64: floats + [.float64, .float64, .float64, .float64, .uint64, .uint64, .uint64, .uint64, .uint64],
  .bool: floats + [.int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .bool],
]
private let floats: [DType] = [.float16, .bfloat16, .float32, .float64]

@Suite("Promotion") struct PromotionTests {
  @Test(arguments: DType.allCases) func tensorsPromoteAsListed(_ a: DType) throws {
    let row = try #require(promotions[a])
    for (b, expected) in zip(DType.allCases, row) {
      let (x, y) = (Tensor.ones([2], dtype: a), Tensor.ones([2, 1], dtype: b))
      #expect(DType.promoted(a, b) == expected, "\(a) \(b)")
      #expect((x + y).dtype == expected, "\(a) + \(b)")
      #expect((x * y).array(of: Double.self) == [1, 1, 1, 1], "\(a) * \(b)")
      #expect(x.maximum(y).dtype == expected, "\(a) \(b)")
      #expect((x .== y).array(of: Bool.self) == [true, true, true, true], "\(a) == \(b)")
      #expect(Tensor.concatenated([x, y.reshaped([2])]).dtype == expected, "\(a) \(b)")
      if expected.isFloatingPoint {
        #expect(Tensor.ones([2, 2], dtype: a).matmul(y).dtype == expected, "\(a) \(b)")
      }
    }
  }

  @Test func integersCompareExactlyAndWrapAround() {
    let large = Tensor([(1 << 53) + 1] as [Int64])
    #expect((large .== 9_007_199_254_740_992).array(of: Bool.self) == [false])
    let bytes = Tensor([200, 3] as [UInt8])
    #expect((bytes .< 300).array(of: Bool.self) == [true, true])
    #expect((bytes + bytes).array(of: UInt8.self) == [144, 6])
    #expect((bytes - 4).array(of: UInt8.self) == [196, 255])
    #expect((-bytes).array(of: UInt8.self) == [56, 253])
  }

  @Test func halfPrecisionComputesInFloat32AndRoundsOnce() {
    // PyTorch: (tensor([1, 2, 3]).to(dtype) * 0.1).
    let x = Tensor([1, 2, 3] as [Float])
    #expect((x.to(.bfloat16) * 0.1).array(of: Float.self) == [0.10009765625, 0.2001953125, 0.30078125])
    #expect(
      (x.to(.float16) * 0.1).array(of: Float.self) == [0.0999755859375, 0.199951171875, 0.300048828125])
    #expect(x.to(.bfloat16).exp().array(of: Float.self) == [2.71875, 7.375, 20.125])
    // 256 ones and a 1: a bfloat16 accumulator would stop at 256.
    #expect(Tensor.ones([300], dtype: .bfloat16).sum().item() == 300)
    let weight = Tensor.ones([1, 300], dtype: .bfloat16)
    #expect(linear(Tensor.ones([1, 300]), weight: weight).item() == 300)
  }
}

@Suite("Conversion") struct ConversionTests {
  @Test(arguments: [DType.float16, .bfloat16]) func halvesAddedByPositionAreRoundedOnce(_ type: DType) {
    // Each of the small ones would be lost beside 1.
    let many = Tensor.full([2048], 0x1p-13, dtype: type)
    let places = Tensor.zeros([2048], dtype: .int64)
    let sum = Tensor.ones([1], dtype: type).scatterAdd(axis: 0, places, many)
    #expect(sum.dtype == type && sum.item() == 1.25)
    #expect(Tensor.ones([1], dtype: type).indexAdd(axis: 0, places, many).item() == 1.25)
    let leaf = many.requiringGradient()
    let slope = Tensor.ones([1], dtype: type).scatterAdd(axis: 0, places, leaf).sum().backward()[leaf]
    #expect(slope.map { $0.dtype == type && $0.array(of: Float.self).allSatisfy { $0 == 1 } } == true)
  }

  @Test func everyFloat16SurvivesFloat32() {
    let all = (0...UInt16.max).map { Float16(bitPattern: $0) }
    let wide = Tensor(all).to(.float32).array(of: Float.self)
    #expect(zip(all, wide).allSatisfy { Float($0) == $1 || ($0.isNaN && $1.isNaN) })
    #expect(zip(all, wide).allSatisfy { $0.sign == $1.sign })
    let back = Tensor(wide).to(.float16).array(of: Float16.self)
    #expect(zip(all, back).allSatisfy { $0.bitPattern == $1.bitPattern || ($0.isNaN && $1.isNaN) })
  }

  @Test func everyBFloat16SurvivesFloat32() {
    let all = (0...UInt16.max).map { BFloat16(bitPattern: $0) }
    let wide = Tensor(all).to(.float32).array(of: Float.self)
    #expect(zip(all, wide).allSatisfy { $0 == BFloat16($1) || (Float($0).isNaN && $1.isNaN) })
    let back = Tensor(wide).to(.bfloat16).array(of: BFloat16.self)
    #expect(zip(all, back).allSatisfy { $0.bitPattern == $1.bitPattern || Float($0).isNaN })
  }

  @Test func floatsRoundToNearestEven() {
    // Bit patterns in steps that meet every exponent, and the neighbours of ties.
    var patterns = (0..<60_000).map { UInt32(truncatingIfNeeded: $0 &* 71_582) }
    for exponent in 95...145 {
      for mantissa in [0x0FFF, 0x1000, 0x1001, 0x2FFF, 0x3000, 0x3001, 0x8000, 0x8001, 0x18000, 0x7FFFFF] {
        patterns.append(UInt32(exponent) << 23 | UInt32(mantissa))
      }
    }
    let floats = patterns.map { Float(bitPattern: $0) }
    let halves = Tensor(floats).to(.float16).array(of: Float16.self)
    #expect(zip(floats, halves).allSatisfy { Float16($0) == $1 || ($0.isNaN && $1.isNaN) })
    let doubles = Tensor(floats.map { Double($0).nextUp }).to(.float16).array(of: Float16.self)
    #expect(zip(floats, doubles).allSatisfy { Float16(Double($0).nextUp) == $1 || ($0.isNaN && $1.isNaN) })
    let brains = Tensor(floats).to(.bfloat16).array(of: BFloat16.self)
    #expect(zip(floats, brains).allSatisfy { BFloat16($0) == $1 || ($0.isNaN && Float($1).isNaN) })
  }

  @Test func doublesRoundOnce() {
    // 1 + 2^-8 + 2^-40 is above the tie of bfloat16, but Float32 would make a tie of it.
    let value = 1 + 0x1p-8 + 0x1p-40
    #expect(Tensor([value, -value]).to(.bfloat16).array(of: Double.self) == [1.0078125, -1.0078125])
    #expect(BFloat16(asDouble: value).asDouble == 1.0078125)
    let half = 1 + 0x1p-11 + 0x1p-40
    #expect(Tensor([half]).to(.float16).item() == 1.0009765625)
    #expect(
      Tensor([1e300, -1e300, .nan]).to(.bfloat16).array(of: Float.self)[..<2] == [.infinity, -.infinity])
    // The same for integers that Double does not hold: above the tie between 2^60 and its bfloat16 successor.
    let large: Int64 = 1 << 60 | 1 << 52 | 1
    #expect(Tensor([large]).to(.bfloat16).item() == 0x1p60 + 0x1p53)
  }

  @Test func specialValues() {
    for type in [DType.float16, .bfloat16] {
      let special = Tensor([.infinity, -.infinity, .nan, -0.0, 0] as [Float]).to(type)
      let values = special.array(of: Float.self)
      #expect(values[0] == .infinity && values[1] == -.infinity && values[2].isNaN)
      #expect(values[3] == 0 && values[3].sign == .minus && values[4].sign == .plus)
    }
    #expect(
      Tensor([65519, 65520, 3e38] as [Float]).to(.float16).array(of: Float.self) == [
        65504, .infinity, .infinity,
      ])
    #expect(Tensor([3.4e38] as [Float]).to(.bfloat16).item() == .infinity)
    #expect(
      Tensor([2.98e-8, 2.99e-8, 6e-5] as [Float]).to(.float16).array(of: Float.self) == [
        0, 5.9604645e-08, 6.0021877e-05,
      ])
  }

  @Test func integersTruncateSaturateAndWrap() {
    let floats = Tensor([-1.9, 1.9, 300, -5, 1e20, -1e20, .nan, .infinity] as [Float])
    #expect(floats.to(.int32).array(of: Int32.self) == [-1, 1, 300, -5, .max, .min, 0, .max])
    #expect(floats.to(.int64).array(of: Int64.self) == [-1, 1, 300, -5, .max, .min, 0, .max])
    #expect(floats.to(.uint8).array(of: UInt8.self) == [0, 1, 255, 0, 255, 0, 0, 255])
    #expect(floats.to(.bool).array(of: Bool.self) == [Bool](repeating: true, count: 8))
    #expect(Tensor([0, -0.0, 0.5] as [Double]).to(.bool).array(of: Bool.self) == [false, false, true])
    #expect(Tensor([257, -1] as [Int32]).to(.uint8).array(of: UInt8.self) == [1, 255])
    #expect(Tensor([1 << 40 | 7] as [Int64]).to(.int32).array(of: Int32.self) == [7])
  }

  @Test(arguments: DType.allCases, DType.allCases) func smallNumbersSurviveEveryPair(_ a: DType, _ b: DType) {
    let values: [Double] = a == .bool || b == .bool ? [0, 1, 1, 0, 1, 0] : [0, 1, 2, 3, 100, 17]
    let x = Tensor(values, shape: [2, 3]).to(a)
    #expect(x.to(b).array(of: Double.self) == values)
    // A view that walks backwards and across, a row that is repeated, nothing, and a scalar.
    let view = x.transposed().slice(axis: 0, 0..<3, step: -2)
    #expect(view.to(b).array(of: Double.self) == [values[2], values[5], values[0], values[3]])
    #expect(x[1].expanded(to: [2, 3]).to(b)[1].array(of: Double.self) == Array(values[3...]))
    #expect(Tensor.zeros([0, 2], dtype: a).to(b).shape == [0, 2])
    #expect(Tensor(1, dtype: a).to(b).item() == 1)
  }

  @Test func bitsReadAsAnotherType() {
    let x = Tensor([1, -2, 0, -0.0, .infinity, .nan] as [Float], shape: [2, 3])
    #expect(x.viewed(as: .uint32).array(of: UInt32.self) == x.array(of: Float.self).map(\.bitPattern))
    #expect(
      x.transposed().viewed(as: .int32)[1].array(of: UInt32.self) == [
        Float(-2).bitPattern, Float.infinity.bitPattern,
      ])
    #expect(Tensor([-1] as [Int16]).viewed(as: .uint16).item() == 65535)
    #expect(Tensor([0x3C00] as [UInt16]).viewed(as: .float16).item() == 1)
    #expect(Tensor([0x3F80] as [UInt16]).viewed(as: .bfloat16).item() == 1)
    #expect(Tensor([2, 0] as [UInt8]).viewed(as: .bool).array(of: Bool.self) == [true, false])
    #expect(Tensor(1.0).viewed(as: .int32).item() == 0x3F80_0000)
    // Writing to one leaves the other as it was.
    var y = x.viewed(as: .int32)
    y[0, 0] = 7
    #expect(x[0, 0].item() == 1 && y[0, 0].item() == 7)
    #expect(throws: TensorError.self) { try withTensorErrors { x.viewed(as: .float64) } }
    #expect(Tensor.zeros([0, 2]).viewed(as: .int32).shape == [0, 2])
  }

  @Test func gradientsComeBackInTheSourcesType() {
    let x = Tensor([1, 2] as [Float]).requiringGradient()
    let gradient = (x.to(.bfloat16) * x.to(.bfloat16)).to(.float32).sum().backward()[x]
    #expect(gradient?.dtype == .float32)
    #expect(gradient?.array(of: Float.self) == [2, 4])
  }

  @Test func elementsOfHalfPrecision() {
    let brains = Tensor([BFloat16(1.5), BFloat16(-2)])
    #expect(brains.dtype == .bfloat16 && brains.array(of: BFloat16.self) == [BFloat16(1.5), BFloat16(-2)])
    #expect(Tensor([Float16(0.25)]).dtype == .float16)
    #expect(Tensor.full([2], 0.1, dtype: .bfloat16).array(of: Float.self) == [0.10009765625, 0.10009765625])
    #expect(BFloat16(.nan) != BFloat16(.nan) && BFloat16(0) == BFloat16(-0.0))
    #expect("\(BFloat16(1.5))" == "1.5")
    #expect(Tensor.arange(4, dtype: .float16)[2].item() == 2)
  }
}
