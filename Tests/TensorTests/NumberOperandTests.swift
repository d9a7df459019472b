import Tensor
import Testing

/// The rule of `DType`: what a number of each kind makes of a tensor.
private func expected(_ type: DType, _ kind: Kind) -> DType {
  switch (type, kind) {
  case (.float16, _), (.bfloat16, _), (.float32, _), (.float64, _): type
  case (_, .floating): .float32
  case (.bool, .whole): .int64
  default: type
  }
}

private enum Kind: CaseIterable, Sendable { case truth, whole, floating }

@Suite("Numbers beside tensors") struct NumberOperandTests {
  /// Every operation with a number, by what it is called, for numbers of one Swift type.
  private func results<Number: TensorScalar>(_ x: Tensor, _ n: Number) -> [(String, Tensor)] {
    let yes = Tensor.full(x.shape, true)
    return [
      ("+", x + n), ("+", n + x), ("-", x - n), ("-", n - x), ("*", x * n), ("*", n * x), ("%", x % n),
      ("%", n % x), ("maximum", x.maximum(n)), ("minimum", x.minimum(n)), ("pow", x.pow(n)),
      ("remainder", x.remainder(n)), ("floorDivided", x.floorDivided(by: n)), ("clamped", x.clamped(n, n)),
      ("maskedFill", x.maskedFill(yes, n)), ("select", Tensor.select(yes, x, n)),
      ("select", Tensor.select(yes, n, x)),
      ("promoted", Tensor.zeros([], dtype: .promoted(x.dtype, with: Number.self))),
    ]
  }

  /// The same for numbers the compiler takes for tensors.
  private func results(_ x: Tensor, literal n: Tensor) -> [(String, Tensor)] {
    let yes = Tensor.full(x.shape, true)
    return [
      ("+", x + n), ("+", n + x), ("-", x - n), ("*", n * x), ("maximum", x.maximum(n)), ("pow", x.pow(n)),
      ("floorDivided", x.floorDivided(by: n)), ("select", Tensor.select(yes, x, n)),
      ("select", Tensor.select(yes, n, x)),
    ]
  }

  @Test(arguments: DType.allCases) func theKindOfANumberDecides(_ type: DType) {
    let x = Tensor.ones([2], dtype: type)
    // Whole and fractional, small and large, zero, infinite: no value changes a type.
    for n in [1.0, 2.0, 0.5, 0.0, -3.0, 1e30, .infinity, .nan] {
      for (name, y) in results(x, n) + results(x, Float(n)) + results(x, Float16(n)) {
        #expect(y.dtype == expected(type, .floating), "\(name) of \(type) and \(n)")
      }
      #expect((x / n).dtype == expected(type, .floating) && (n / x).dtype == expected(type, .floating))
    }
    for n in [0, 1, 2, 100, 255] where type.holds(n) {
      for (name, y) in results(x, n) + results(x, Int32(n)) + results(x, Int64(n)) + results(x, UInt8(n)) {
        #expect(y.dtype == expected(type, .whole), "\(name) of \(type) and \(n)")
      }
      let quotient: DType = type.isFloatingPoint ? type : .float32
      #expect((x / n).dtype == quotient && (n / x).dtype == quotient)
    }
    for n in [false, true] {
      for (name, y) in results(x, n) {
        #expect(y.dtype == expected(type, .truth), "\(name) of \(type) and \(n)")
      }
    }
    for (name, y) in results(x, literal: 2) {
      #expect(y.dtype == expected(type, .whole), "\(name) of \(type) and 2")
    }
    for (name, y) in results(x, literal: 2.0) + results(x, literal: .pi) {
      #expect(y.dtype == expected(type, .floating), "\(name) of \(type) and 2.0")
    }
  }

  @Test(arguments: DType.allCases, DType.allCases) func trueDivisionIsNeverWhole(_ a: DType, _ b: DType) {
    let (x, y) = (Tensor.full([3], 1, dtype: a), Tensor.full([3], 1, dtype: b))
    let type = DType.promoted(a, b)
    #expect((x / y).dtype == (a.isFloatingPoint || b.isFloatingPoint ? type : .float32))
    #expect((x / y).array(of: Double.self) == [1, 1, 1])
  }

  @Test func quotientsOfIntegers() {
    let image = Tensor([0, 64, 128, 255] as [UInt8])
    let scaled: [Float] = [0, 64 / 255, 128 / 255, 1]
    #expect((image / 255).array(of: Float.self) == scaled)
    #expect((image / 255.0).array(of: Float.self) == scaled)
    #expect(
      (image / 300).array(of: Float.self)
        == Tensor([0, 64, 128, 255] as [Float]).array(of: Float.self).map { $0 / 300 })
    #expect((Tensor([7, -7]) / 2).array(of: Float.self) == [3.5, -3.5])
    #expect((1 / Tensor([4, 0])).array(of: Float.self) == [0.25, .infinity])
    #expect((Tensor([true]) / Tensor([true])).array(of: Float.self) == [1])
    // The float32 nearest to the quotient, where the operands are none.
    let large = Tensor([9_007_199_254_740_993, .max])
    #expect((large / large).array(of: Float.self) == [1, 1])
    var counts = Tensor([3, 4] as [Int32])
    counts /= 2
    #expect(counts.dtype == .float32 && counts.array(of: Float.self) == [1.5, 2])
    // Python's // and %.
    let signs = Tensor([7, -7, 7, -7])
    let by = Tensor([2, 2, -2, -2])
    #expect(signs.floorDivided(by: by).array(of: Int.self) == [3, -4, -4, 3])
    #expect((signs % by).array(of: Int.self) == [1, 1, -1, -1])
    #expect(signs.floorDivided(by: 2).array(of: Int.self) == [3, -4, 3, -4])
    #expect((7 % by).array(of: Int.self) == [1, 1, -1, -1])
  }

  @Test func valuesOfMixedFormulas() {
    let (a, b) = (Tensor([1.0, 2]), Tensor([3.0, 5]))
    let (n, rate, half) = (3, Float(0.5), 0.25)
    let r = 2 * a * b + 3 * a.square() - b / (a + n) * 0.5 + (1 - b)
    // 2ab + 3a² − b / (a + 3) / 2 + (1 − b) of 1, 3 and of 2, 5.
    #expect(r.array(of: Double.self) == [6.625, 27.5])
    let s = n * a + b * n - rate * a / n + (a - n) * (b + rate) * half
    #expect(s.isClose(to: Tensor([10.083333333333334, 19.291666666666668])))
    // A number is exact in a float64 tensor, however the compiler takes it.
    #expect((a * 0.1).array(of: Double.self) == [0.1, 0.2])
    #expect(a.maximum(Tensor(1.1)).array(of: Double.self) == [1.1, 2])
  }

  @Test func aNumberThatATypeDoesNotHoldIsAnErrorWithASentence() throws {
    let bytes = Tensor([1, 2] as [UInt8])
    func message(_ body: @escaping @Sendable () -> Void) -> String? {
      do {
        try withTensorErrors(body)
        return nil
      } catch { return "\(error)" }
    }
    #expect(message { _ = bytes + 300 } == "[add] 300 is no number of uint8, which holds 0 to 255")
    #expect(message { _ = bytes.maskedFill(bytes .> 1, -1) }?.contains("-1 is no number of uint8") == true)
    #expect(message { _ = Tensor.full([2], 300, dtype: .uint8) }?.contains("[full] 300 is no") == true)
    #expect(message { _ = Tensor.full([2], .nan, dtype: .int32) }?.contains("nan is no") == true)
    #expect(message { _ = Tensor(1e30, dtype: .int64) }?.contains("1e+30 is no number of int64") == true)
    #expect(message { _ = Tensor.full([2], -1, dtype: .uint8) } != nil)
    #expect(message { _ = bytes.clamped(0, 256) } != nil)
    #expect(
      message {
        var x = bytes; x[0] = 256
      } != nil)
    #expect(
      message {
        var x = bytes; x += 256
      } != nil)
    #expect(message { _ = Tensor([9_007_199_254_740_993]).item() }?.contains("item(of: Int.self)") == true)
    #expect(message { _ = (bytes + 255, bytes .< 300, bytes .> -1, bytes / 300, bytes * 300.0) } == nil)
    #expect(Int32(asDouble: 3e9) == .max && Int64(asDouble: -.infinity) == .min && UInt8(asDouble: .nan) == 0)
  }

  @Test func assigningNumbers() {
    var x = Tensor.zeros([3, 4], dtype: .float64)
    x[0] = 5
    x[1..<3, .all] = 0.1
    x[x .== 5] = 0
    x[2, 3] += 1
    x[2, 0] -= 0.1
    x[1] *= 2
    x[1] /= 4
    #expect(
      x.array(of: Double.self) == [0, 0, 0, 0] + [Double](repeating: 0.05, count: 4) + [0, 0.1, 0.1, 1.1])
    var ids = Tensor([1, 2, 3])
    ids[0] = 9_007_199_254_740_993
    ids[1] = -1
    #expect(ids.array(of: Int.self) == [9_007_199_254_740_993, -1, 3] && ids.dtype == .int64)
    ids[ids .< 0] = 7
    ids[2] = Tensor(9_007_199_254_740_995)
    #expect(ids.array(of: Int.self) == [9_007_199_254_740_993, 7, 9_007_199_254_740_995])
    var flags = Tensor([false, false])
    flags[1] = true
    #expect(flags.array(of: Bool.self) == [false, true])
    var half = Tensor([1, 2] as [Float]).to(.float16)
    half[0] = 0.1
    #expect(half.array(of: Float16.self) == [0.1, 2])
  }

  @Test func compoundAssignmentIsInPlaceAndKeepsTheType() {
    for type in [DType.float16, .bfloat16, .float32, .float64, .uint8, .int32, .int64] {
      var x = Tensor.full([1000], 6, dtype: type)
      let place = x.rawPointer
      x += 2
      x -= 3
      x *= 4
      x += Tensor.ones([1000], dtype: type)
      #expect(x.rawPointer == place && x.dtype == type, "\(type)")
      #expect(x.array(of: Int.self).allSatisfy { $0 == 21 }, "\(type)")
      if type.isFloatingPoint {
        x /= 2
        x += 0.5
        #expect(x.rawPointer == place && x.array(of: Double.self).allSatisfy { $0 == 11 }, "\(type)")
      }
      let kept = x
      x -= 1
      #expect(x.rawPointer != place && kept.array(of: Int.self)[0] - 1 == x.array(of: Int.self)[0], "\(type)")
    }
    let leaf = Tensor([1, 2] as [Float]).requiringGradient()
    var y = leaf * 1
    y *= 3
    y -= 1
    #expect(y.sum().backward()[leaf]?.array(of: Float.self) == [3, 3])
    // A literal's memory is never written to.
    var z = Tensor(5)
    z += Tensor(1)
    #expect(z.item() == 6 && z.to(.int64).item() == 6)
  }

  @Test func numbersOnTheirOwn() {
    let (n, f, b) = (41, Float(0.5), true)
    #expect(Tensor(n).dtype == .float32 && Tensor(f).dtype == .float32 && Tensor(b).dtype == .bool)
    #expect(Tensor(n).item() == 41 && Tensor(f).item() == 0.5 && Tensor(b).item() == 1)
    #expect(Tensor(n, dtype: .int64).item(of: Int.self) == 41)
    #expect(Tensor(9_007_199_254_740_993).item(of: Int.self) == 9_007_199_254_740_993)
    #expect(Tensor(0..<4).array(of: Int.self) == [0, 1, 2, 3])
    #expect([Tensor([1, 2]), Tensor([3, 4])].reduce(0, +).array(of: Int.self) == [4, 6])
    #expect(Tensor.full([2], n, dtype: .int64).array(of: Int.self) == [41, 41])
  }

  /// What the compiler takes for a tensor in these formulas is the number that a Double would have been.
  @Test func factorsOfNumbersAreExact() {
    let (rate, n) = (0.1, 3)
    let x = Tensor([1.0, 3.0])
    #expect(x.dtype == .float64)
    #expect((x * (1 - rate)).array(of: Double.self) == [1 - rate, 3 * (1 - rate)])
    #expect((x / (2 * rate)).array(of: Double.self) == [1 / (2 * rate), 3 / (2 * rate)])
    #expect((x + (rate / 7 + 1)).array(of: Double.self) == [1 + (rate / 7 + 1), 3 + (rate / 7 + 1)])
    let whole = Tensor([5, 6])
    #expect((whole * (n + 1)).array(of: Int64.self) == [20, 24] && (whole * (n + 1)).dtype == .int64)
    let number: Tensor = 1
    #expect((x * (number - rate)).array(of: Double.self) == [1 - rate, 3 * (1 - rate)])
    #expect((x * (rate * number / 3)).array(of: Double.self) == [rate / 3, 3 * (rate / 3)])
    #expect((whole * (number + 2)).dtype == .int64 && (number - rate).dtype == .float32)
    #expect((whole * (number / 2)).dtype == .float32)
  }
}
