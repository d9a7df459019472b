import Foundation
import Tensor
import Testing

/// An integer type with what its elements do in Swift.
private protocol Whole: FixedWidthInteger, TensorScalar {}
extension Int8: Whole {}
extension Int16: Whole {}
extension Int32: Whole {}
extension Int64: Whole {}
extension UInt8: Whole {}
extension UInt16: Whole {}
extension UInt32: Whole {}
extension UInt64: Whole {}

private let types: [any Whole.Type] = [
  Int8.self, Int16.self, Int32.self, Int64.self, UInt8.self, UInt16.self, UInt32.self, UInt64.self,
]

/// Elements at the ends of a type, beyond what Float and Double hold, and around zero.
private func ends<T: Whole>(_: T.Type) -> [T] {
  var values: [T] = [.min, .min &+ 1, .max, .max &- 1, 0, 1, 2, 3, 7, 100, T.max / 2, T.max / 2 &+ 1]
  if T.isSigned { values += [-1, -2, -7].compactMap { T(exactly: $0) } }
  values += [16_777_217, 9_007_199_254_740_993, -9_007_199_254_740_993].compactMap { T(exactly: $0) }
  return values
}

private func floorQuotient<T: Whole>(_ a: T, _ b: T) -> T {
  if b == 0 { return 0 }
  let (quotient, overflow) = a.dividedReportingOverflow(by: b)
  if overflow { return .min }
  return quotient &- ((a % b != 0 && (a < 0) != (b < 0)) ? 1 : 0)
}

private func power<T: Whole>(_ base: T, _ exponent: T) -> T {
  if exponent < 0 { return base == 1 ? 1 : base &+ 1 == 0 ? (exponent & 1 == 0 ? 1 : base) : 0 }
  var (result, square, rest) = (T(1), base, exponent)
  while rest > 0 {
    if rest & 1 == 1 { result = result &* square }
    square = square &* square
    rest >>= 1
  }
  return result
}

@Suite("Integers") struct IntegerTests {
  /// Every pair of elements, as two tensors.
  private func pairs<T: Whole>(_: T.Type) -> (a: [T], b: [T]) {
    let values = ends(T.self)
    return (values.flatMap { a in values.map { _ in a } }, values.flatMap { _ in values })
  }

  private func checkPairs<T: Whole>(_: T.Type) {
    let (a, b) = pairs(T.self)
    let (x, y) = (Tensor(a), Tensor(b))
    let both = Array(zip(a, b))
    func check(_ name: String, _ result: Tensor, _ expected: ((T, T)) -> T) {
      #expect(
        result.dtype == T.dtype && result.array(of: T.self) == both.map(expected), "\(name) of \(T.self)")
    }
    check("+", x + y) { $0 &+ $1 }
    check("-", x - y) { $0 &- $1 }
    check("*", x * y) { $0 &* $1 }
    check("maximum", x.maximum(y)) { Swift.max($0, $1) }
    check("minimum", x.minimum(y)) { Swift.min($0, $1) }
    check("floorDivided", x.floorDivided(by: y)) { floorQuotient($0, $1) }
    check("remainder", x.remainder(y)) { $1 == 0 ? 0 : $0 &- floorQuotient($0, $1) &* $1 }
    check("pow", x.pow(y)) { power($0, $1) }
    check("select", Tensor.select(x .< y, x, y)) { Swift.min($0, $1) }
    check(
      "+=",
      {
        var z = x; z += y; return z
      }()
    ) { $0 &+ $1 }
    check(
      "-=",
      {
        var z = x * 1; z -= y; return z
      }()
    ) { $0 &- $1 }
    check(
      "*=",
      {
        var z = x * 1; z *= y; return z
      }()
    ) { $0 &* $1 }
    check(
      "masked assignment",
      {
        var z = x; z[y .> x] = 7; return z
      }()
    ) { $1 > $0 ? 7 : $0 }
    check("maskedFill", x.maskedFill(x .== y, 9)) { $0 == $1 ? 9 : $0 }
    check("scatterAdd", x.scatterAdd(axis: 0, Tensor(0..<a.count), y)) { $0 &+ $1 }
    check("transposed", (x.reshaped([1, -1]).transposed() + y.reshaped([-1, 1])).reshaped([-1])) { $0 &+ $1 }
    let flags: [(String, Tensor, (T, T) -> Bool)] = [
      (".==", x .== y, { $0 == $1 }), (".!=", x .!= y, { $0 != $1 }), (".<", x .< y, { $0 < $1 }),
      (".<=", x .<= y, { $0 <= $1 }), (".>", x .> y, { $0 > $1 }), (".>=", x .>= y, { $0 >= $1 }),
    ]
    for (name, found, wanted) in flags {
      #expect(found.array(of: Bool.self) == both.map { wanted($0, $1) }, "\(name) of \(T.self)")
    }
  }

  private func checkElements<T: Whole>(_: T.Type) {
    let a = ends(T.self)
    let x = Tensor(a)
    func check(_ name: String, _ result: Tensor, _ expected: (T) -> T) {
      #expect(result.dtype == T.dtype && result.array(of: T.self) == a.map(expected), "\(name) of \(T.self)")
    }
    check("-", -x) { 0 &- $0 }
    check("abs", x.abs()) { $0 < 0 ? 0 &- $0 : $0 }
    check("square", x.square()) { $0 &* $0 }
    check("sign", x.sign()) { $0.signum() }
    check("relu", x.relu()) { Swift.max($0, 0) }
    check("floor", x.floor()) { $0 }
    check("ceil", x.ceil()) { $0 }
    check("round", x.round()) { $0 }
    check("copy", x.reshaped([1, -1]).expanded(to: [3, a.count])[1]) { $0 }
    check("full", Tensor.concatenated(a.map { Tensor.full([1], $0, dtype: T.dtype) })) { $0 }
    check(
      "fill by index",
      {
        var z = x; for i in a.indices { z[i] = Tensor(a[i]) }; return z
      }()
    ) { $0 }
    check("item", Tensor(a.indices.map { x[$0].item(of: T.self) })) { $0 }
    for bound in a {
      check("+ \(bound)", x + bound) { $0 &+ bound }
      check("\(bound) -", bound - x) { bound &- $0 }
      check("* \(bound)", x * bound) { $0 &* bound }
      check("maximum \(bound)", x.maximum(bound)) { Swift.max($0, bound) }
      check("minimum \(bound)", x.minimum(bound)) { Swift.min($0, bound) }
      check("pow \(bound)", x.pow(bound)) { power($0, bound) }
      check("% \(bound)", x % bound) { bound == 0 ? 0 : $0 &- floorQuotient($0, bound) &* bound }
      check("// \(bound)", x.floorDivided(by: bound)) { floorQuotient($0, bound) }
      check("clamped", x.clamped(bound, .max)) { Swift.max($0, bound) }
      check("maskedFill \(bound)", x.maskedFill(x .< bound, bound)) { Swift.max($0, bound) }
      check("select \(bound)", Tensor.select(x .> bound, x, bound)) { Swift.max($0, bound) }
      #expect((x .== bound).array(of: Bool.self) == a.map { $0 == bound }, "\(T.self) .== \(bound)")
      #expect((x .!= bound).array(of: Bool.self) == a.map { $0 != bound })
      #expect((bound .< x).array(of: Bool.self) == a.map { bound < $0 }, "\(bound) .< \(T.self)")
      #expect((x .<= bound).array(of: Bool.self) == a.map { $0 <= bound })
      #expect((x .> bound).array(of: Bool.self) == a.map { $0 > bound })
      #expect((bound .>= x).array(of: Bool.self) == a.map { bound >= $0 })
    }
    // Numbers beyond the type, between its elements, and none at all.
    for bound in [-1e300, -0.5, 0.5, 2.5, 254.5, 1e300, .infinity, -.infinity, .nan, 3] {
      let below = a.map { Double($0) < bound }
      #expect((x .< bound).array(of: Bool.self) == below, "\(T.self) .< \(bound)")
      #expect(
        (x .>= bound).array(of: Bool.self) == below.map { !bound.isNaN && !$0 }, "\(T.self) .>= \(bound)")
      #expect((x .== bound).array(of: Bool.self) == a.map { Double($0) == bound })
      #expect((x .!= bound).array(of: Bool.self) == a.map { Double($0) != bound })
    }
    for bound in [Int64.min, -1, 256, 1 << 31, .max] {
      #expect((x .< bound).array(of: Bool.self) == a.map { $0 < bound }, "\(T.self) .< \(bound)")
      #expect((x .>= bound).array(of: Bool.self) == a.map { $0 >= bound }, "\(T.self) .>= \(bound)")
      #expect((x .== bound).array(of: Bool.self) == a.map { $0 == bound }, "\(T.self) .== \(bound)")
    }
  }

  private func checkReductions<T: Whole>(_: T.Type) {
    let a = ends(T.self)
    // Rows, columns, both, and a view that walks backwards over every second element.
    let x = Tensor(
      (0..<40).flatMap { i in a.indices.map { a[($0 * 7 + i) % a.count] } }, shape: [40, a.count])
    let view = x.transposed().flipped(axes: [0]).slice(axis: 1, 0..<40, step: 2)
    for (name, tensor) in [("rows", x), ("view", view), ("few", x[.all, 0..<2]), ("one", x[3, 4...])] {
      let values = tensor.array(of: T.self)
      let shape = tensor.shape
      let columns = shape.last!
      let rows = values.count / columns
      for axis in 0..<tensor.rank {
        let isLast = axis == tensor.rank - 1
        let groups =
          isLast
          ? (0..<rows).map { row in (0..<columns).map { values[row * columns + $0] } }
          : (0..<columns).map { column in (0..<rows).map { values[$0 * columns + column] } }
        let wide = groups.map { $0.map { Int64(truncatingIfNeeded: $0) } }
        #expect(
          tensor.max(axis: axis).array(of: T.self) == groups.map { $0.max()! }, "max of \(name) \(T.self)")
        #expect(
          tensor.min(axis: axis).array(of: T.self) == groups.map { $0.min()! }, "min of \(name) \(T.self)")
        #expect(
          tensor.sum(axis: axis).array(of: Int64.self) == wide.map { $0.reduce(0, &+) },
          "sum of \(name) \(T.self)")
        #expect(
          tensor.prod(axis: axis).array(of: Int64.self) == wide.map { $0.reduce(1, &*) }, "prod of \(name)")
        #expect(tensor.any(axis: axis).array(of: Bool.self) == groups.map { $0.contains { $0 != 0 } })
        #expect(tensor.all(axis: axis).array(of: Bool.self) == groups.map { !$0.contains(0) })
        #expect(tensor.countNonZero(axis: axis).array(of: Int.self) == groups.map { $0.count { $0 != 0 } })
        let running = tensor.cumsum(axis: axis)
        let last = isLast ? running[.ellipsis, -1] : running[-1]
        #expect(last.array(of: Int64.self) == wide.map { $0.reduce(0, &+) }, "cumsum of \(name) \(T.self)")
      }
      #expect(tensor.max().item(of: T.self) == values.max() && tensor.min().item(of: T.self) == values.min())
      #expect(tensor.sum().item(of: Int64.self) == values.map { Int64(truncatingIfNeeded: $0) }.reduce(0, &+))
      let mean = values.map { Double($0) }.reduce(0, +) / Double(values.count)
      #expect(abs(tensor.mean().item() - mean) <= abs(mean) * 1e-6, "mean of \(name) \(T.self)")
    }
    let total = Tensor(ends(T.self)).cumprod(axis: 0)
    #expect(
      total[-1].item(of: Int64.self) == ends(T.self).map { Int64(truncatingIfNeeded: $0) }.reduce(1, &*))
  }

  private func checkProducts<T: Whole>(_: T.Type) {
    let values = ends(T.self)
    for (m, k, n) in [(1, 1, 1), (3, 5, 2), (7, 70, 9), (2, 0, 3)] {
      let a = (0..<m * k).map { values[$0 % values.count] }
      let b = (0..<k * n).map { values[($0 * 5 + 2) % values.count] }
      var c = [T](repeating: 0, count: m * n)
      for i in 0..<m { for j in 0..<n { for p in 0..<k { c[i * n + j] &+= a[i * k + p] &* b[p * n + j] } } }
      let (x, y) = (Tensor(a, shape: [m, k]), Tensor(b, shape: [k, n]))
      #expect(x.matmul(y).dtype == T.dtype && x.matmul(y).array(of: T.self) == c, "\(T.self) \(m) \(k) \(n)")
      let turned = y.transposed().matmul(x.transposed()).transposed()
      #expect(turned.array(of: T.self) == c, "\(T.self) \(m) \(k) \(n) turned")
      let batch = x.reshaped([1, m, k]).expanded(to: [3, m, k]).matmul(y.reshaped([1, k, n]))
      #expect(batch[2].array(of: T.self) == c)
    }
  }

  @Test func everyPairOfEnds() {
    for type in types { checkPairs(type) }
  }

  @Test func everyElementAndEveryNumber() {
    for type in types { checkElements(type) }
  }

  @Test func reductions() {
    for type in types { checkReductions(type) }
  }

  @Test func productsOfMatrices() {
    for type in types { checkProducts(type) }
    let (x, y) = (
      Tensor([true, false, true, true], shape: [2, 2]), Tensor([false, false, true, true], shape: [2, 2])
    )
    #expect(x.matmul(y).dtype == .bool && x.matmul(y).array(of: Bool.self) == [false, false, true, true])
    #expect(Tensor([true]).expanded(to: [256]).matmul(Tensor.full([256], true)).item() == 1)
  }

  /// The table of two truth values: NumPy's, where it has the operation.
  @Test func bools() {
    let (x, y) = (Tensor([false, false, true, true]), Tensor([false, true, false, true]))
    func flags(_ x: Tensor) -> [Bool] {
      #expect(x.dtype == .bool)
      return x.array(of: Bool.self)
    }
    #expect(flags(x + y) == [false, true, true, true] && flags(x * y) == [false, false, false, true])
    #expect(flags(x - y) == [false, true, true, false] && flags(x.pow(y)) == [true, false, true, true])
    #expect(
      flags(x.maximum(y)) == [false, true, true, true] && flags(x.minimum(y)) == [false, false, false, true])
    #expect(flags(x .== y) == [true, false, false, true] && flags(x .< y) == [false, true, false, false])
    #expect(flags(x .& y) == [false, false, false, true] && flags(x .^ y) == [false, true, true, false])
    #expect(flags(.!x) == [true, true, false, false] && flags(x.abs()) == [false, false, true, true])
    #expect(
      flags(x .== true) == [false, false, true, true] && flags(x .== 2) == [false, false, false, false])
    #expect((x + 1).array(of: Int.self) == [1, 1, 2, 2] && (-x).array(of: Int.self) == [0, 0, -1, -1])
    #expect(flags(x.max()) == [true] && flags(y.min()) == [false])
    #expect(x.sum().array(of: Int.self) == [2] && x.mean().array(of: Float.self) == [0.5])
    // Any byte but 0 stands for true.
    let odd = Tensor(shape: [4], dtype: .bool) { bytes in bytes.copyBytes(from: [0, 1, 2, 255]) }
    let yes = Tensor([false, true, true, true])
    #expect(flags(odd .== yes) == [true, true, true, true] && odd.sum().item() == 3)
    #expect(
      flags(odd + odd) == [false, true, true, true] && flags(odd.minimum(yes)) == [false, true, true, true])
  }

  @Test func nothingPassesThroughAFloatingPointNumber() {
    // Nanosecond stamps: neighbours are one Double.
    let t = Tensor([1_700_000_000_123_456_789, 1_700_000_000_123_456_790])
    var u = t
    u[Tensor([true, false])] = t[1]
    #expect(u.array(of: Int.self) == [1_700_000_000_123_456_790, 1_700_000_000_123_456_790])
    #expect(
      t.max().item(of: Int.self) == 1_700_000_000_123_456_790
        && t.min().item(of: Int.self) == 1_700_000_000_123_456_789)
    #expect((t .== 1_700_000_000_123_456_789).array(of: Bool.self) == [true, false])
    #expect(t.maskedFill(Tensor([false, true]), 0).array(of: Int.self) == [1_700_000_000_123_456_789, 0])
    #expect(t.matmul(Tensor([1, 0])).item(of: Int.self) == 1_700_000_000_123_456_789)
    let square = t.reshaped([1, 2]).expanded(to: [2, 2])
    #expect(square.lowerTriangle().array(of: Int.self)[0] == 1_700_000_000_123_456_789)
    #expect(square.upperTriangle().array(of: Int.self)[1] == 1_700_000_000_123_456_790)
    #expect(t.clamped(0, 1_700_000_000_123_456_789).max().item(of: Int.self) == 1_700_000_000_123_456_789)
    #expect((t.mean() - 1.7e18).item() < 1e12 && t.standardDeviation().item().isFinite)
  }

  @Test func numbersOfEverySizeArriveWhole() {
    for number in [Int64.min, -9_007_199_254_740_993, 9_007_199_254_740_993, .max - 1, .max] {
      #expect(Tensor(number).item(of: Int64.self) == number && Tensor([number]).dtype == .int64)
      #expect(Tensor(Int(number)).array(of: Int.self) == [Int(number)])
      #expect(Tensor.full([2], number, dtype: .int64).array(of: Int64.self) == [number, number])
      #expect((Tensor([Int64(1)]) .== number).item() == 0 && (Tensor([number]) .== number).item() == 1)
    }
  }

  /// Threads that take and give back memory all the time: a number is read while its memory is still its own.
  @Test func numbersArriveWholeOnManyThreads() {
    DispatchQueue.concurrentPerform(iterations: 8) { thread in
      for round in 0..<20_000 {
        let number = Int64.max - Int64(thread << 20 | round)
        if Tensor(number).item(of: Int64.self) != number {
          Issue.record("thread \(thread), round \(round)")
          return
        }
      }
    }
  }

  @Test func sumsKeepTheSignOfTheirType() {
    #expect(Tensor([UInt64.max, 0]).sum().array(of: UInt64.self) == [.max])
    #expect(Tensor([UInt64.max, 2]).cumsum(axis: 0).array(of: UInt64.self) == [.max, 1])
    for type in DType.allCases where type.isInteger && type != .uint64 {
      #expect(
        Tensor.ones([3], dtype: type).sum().dtype == .int64
          && Tensor.ones([3], dtype: type).prod().dtype == .int64)
    }
    #expect(Tensor([UInt64.max, .max, .max - 2]).mean().item() == 0x1p64)
  }

  private func order<T: Whole>(_: T.Type) {
    let a = (0..<300).map { ends(T.self)[$0 * 11 % ends(T.self).count] }
    let x = Tensor(a)
    let order = a.indices.sorted { a[$0] == a[$1] ? $0 < $1 : a[$0] < a[$1] }
    #expect(x.argsort().array(of: Int.self) == order, "\(T.self)")
    #expect(x.sorted(descending: true).values.array(of: T.self) == a.sorted(by: >), "\(T.self)")
    #expect(x.topK(5).values.array(of: T.self) == Array(a.sorted(by: >).prefix(5)), "\(T.self)")
    #expect(x.topK(5, largest: false).values.array(of: T.self) == Array(a.sorted().prefix(5)), "\(T.self)")
    #expect(x.unique().values.array(of: T.self) == Set(a).sorted(), "\(T.self)")
    #expect(x.argmax().item(of: Int.self) == a.firstIndex(of: a.max()!), "\(T.self)")
    #expect(x.argmin().item(of: Int.self) == a.firstIndex(of: a.min()!), "\(T.self)")
    let grid = x.reshaped([20, 15])
    #expect(
      grid.argmax(axis: 0).array(of: Int.self) == grid.to(.float64).argmax(axis: 0).array(of: Int.self)
        || T.bitWidth == 64)
    let sorted = Tensor(a.sorted())
    #expect(
      sorted.searchSorted(x).array(of: Int.self) == a.map { value in a.count { $0 < value } }, "\(T.self)")
    #expect(x.signBit().array(of: Bool.self) == a.map { $0 < 0 })
    #expect(x.description.contains("\(T.max)"))
  }

  @Test func orders() { for type in types { order(type) } }

  private func bits<T: Whole>(_: T.Type) {
    let (a, b) = pairs(T.self)
    let (x, y) = (Tensor(a), Tensor(b))
    let both = Array(zip(a, b))
    #expect(x.bitwiseAnd(y).array(of: T.self) == both.map { $0 & $1 })
    #expect(x.bitwiseOr(y).array(of: T.self) == both.map { $0 | $1 })
    #expect(x.bitwiseXor(y).array(of: T.self) == both.map { $0 ^ $1 })
    #expect(x.bitwiseNot().array(of: T.self) == a.map { ~$0 })
    let inside = { (places: T) in places >= 0 && places < T(T.bitWidth) }
    #expect(x.bitwiseLeftShift(y).array(of: T.self) == both.map { inside($1) ? $0 << $1 : 0 })
    #expect(x.bitwiseRightShift(y).array(of: T.self) == both.map { inside($1) ? $0 >> $1 : $0 < 0 ? ~0 : 0 })
  }

  @Test func bitsOfEveryPair() { for type in types { bits(type) } }

  /// Every pair of types: what converting gives, and comparisons by value.
  private func meet<T: Whole, U: Whole>(_: T.Type, _: U.Type) {
    let (a, b) = (ends(T.self), ends(U.self))
    let x = Tensor(a)
    #expect(x.to(U.dtype).array(of: U.self) == a.map { U(truncatingIfNeeded: $0) }, "\(T.self) as \(U.self)")
    #expect(
      x.flipped(axes: [0]).to(U.dtype).array(of: U.self) == a.reversed().map { U(truncatingIfNeeded: $0) })
    let rows = x.reshaped([-1, 1])
    let y = Tensor(b)
    let both = a.flatMap { first in b.map { (first, $0) } }
    if DType.promoted(T.dtype, U.dtype) == .float64 || DType.promoted(T.dtype, U.dtype).isInteger {
      #expect((rows .< y).array(of: Bool.self) == both.map { $0 < $1 }, "\(T.self) \(U.self)")
      #expect((rows .<= y).array(of: Bool.self) == both.map { $0 <= $1 }, "\(T.self) \(U.self)")
      #expect((rows .== y).array(of: Bool.self) == both.map { $0 == $1 }, "\(T.self) \(U.self)")
      #expect((rows .!= y).array(of: Bool.self) == both.map { $0 != $1 }, "\(T.self) \(U.self)")
      #expect((rows .> y).array(of: Bool.self) == both.map { $0 > $1 }, "\(T.self) \(U.self)")
      #expect((rows .>= y).array(of: Bool.self) == both.map { $0 >= $1 }, "\(T.self) \(U.self)")
    }
  }

  @Test func everyPairOfTypes() {
    func second<T: Whole>(_: T.Type) { for type in types { meet(T.self, type) } }
    for type in types { second(type) }
  }

  private func fromFloats<T: Whole>(_: T.Type) {
    let values: [Double] = [
      0, -0.0, 0.9, -0.9, 127.5, -128.9, 255.9, 256, 32_768, -32_769, 65_535.5, 2_147_483_648,
      4_294_967_295.5,
      1e18, -1e18, 1.8e19, 0x1p64, 1e300, -1e300, .infinity, -.infinity, .nan,
    ]
    let expected = values.map { T(asDouble: $0) }
    #expect(Tensor(values).to(T.dtype).array(of: T.self) == expected, "\(T.self)")
    let floats = values.map { Float($0) }
    #expect(
      Tensor(floats).to(T.dtype).array(of: T.self) == floats.map { T(asDouble: Double($0)) }, "\(T.self)")
    let a = ends(T.self)
    #expect(Tensor(a).to(.float64).array(of: Double.self) == a.map { Double($0) }, "\(T.self)")
    #expect(Tensor(a).to(.float32).array(of: Float.self) == a.map { Float($0) }, "\(T.self)")
    #expect(Tensor(a).to(.float16).array(of: Float16.self) == a.map { Float16($0) }, "\(T.self)")
    #expect(
      (Tensor(a) / Tensor(a.map { _ in T(1) })).array(of: Float.self) == a.map { Float(Double($0)) },
      "\(T.self)")
  }

  @Test func betweenFloatsAndIntegers() { for type in types { fromFloats(type) } }

  @Test func indicesOfEveryType() throws {
    let x = Tensor.arange(5)
    for type in DType.allCases where type.isInteger {
      let list = Tensor([4, 0, 2]).to(type)
      #expect(
        x[list].array(of: Int.self) == [4, 0, 2] && x.gather(axis: 0, list).array(of: Int.self) == [4, 0, 2])
      #expect(x.rows(at: list).array(of: Int.self) == [4, 0, 2])
    }
    // All bits set are no −1.
    let far = Tensor([UInt64.max])
    #expect(throws: TensorError.self) { try withTensorErrors { x.gather(axis: 0, far) } }
    #expect(throws: TensorError.self) { try withTensorErrors { x.rows(at: far) } }
    #expect(throws: TensorError.self) { try withTensorErrors { x[far] } }
    #expect(throws: TensorError.self) {
      try withTensorErrors { Tensor([UInt64.max]).bitwiseAnd(Tensor([1])) }
    }
    #expect(throws: TensorError.self) { try withTensorErrors { Tensor([UInt32(1)]) + -1 } }
  }

  /// Sums beyond an int64, where large elements cancel and small ones are left; a Double would have lost
  /// these.
  @Test func meansOfInt64AreThoseOfExactSums() {
    let rows = Tensor(
      [.max, .max, -.max, -.max, 5, .min, .min, .max, .max, 7, 1, 2, 3, 4, 6] as [Int64], shape: [3, 5])
    #expect(rows.mean(axes: [1]).array(of: Float.self) == [1, 1, 3.2])
    #expect(rows.mean(axes: [1], keepDims: true).shape == [3, 1])
    #expect(rows.mean().dtype == .float32 && rows.mean().item() == Double(Float(26.0 / 15)))
    #expect(Tensor([Int64](repeating: .max, count: 4)).mean().item() == 0x1p63)
    #expect(Tensor([9_007_199_254_740_993, -9_007_199_254_740_992]).mean().item() == 0.5)
    #expect(Tensor.zeros([0], dtype: .int64).mean().item().isNaN)
  }

  @Test(arguments: DType.allCases.filter(\.isInteger)) func clampingByFractionsGivesFloats(_ type: DType) {
    let x = Tensor([1, 2, 3, 4, 5]).to(type)
    #expect(x.clamped(1.5, 3.5).array(of: Float.self) == [1.5, 2, 3, 3.5, 3.5])
    #expect(x.clamped(-.infinity, 3).dtype == .float32)
    #expect(x.clamped(2, 4).dtype == type && x.clamped(2, 4).array(of: Int.self) == [2, 2, 3, 4, 4])
    #expect(Tensor([-20_000_000]).clamped(-.infinity, 0).item() == -20_000_000)
  }

  @Test func mixedIntegersPromoteWithoutACopyOfTheWhole() {
    let bytes = Tensor((0..<5000).map { UInt8(truncatingIfNeeded: $0) })
    let words = Tensor((0..<5000).map { Int64($0) << 40 })
    let expected = (0..<5000).map { Int64($0) << 40 + Int64(UInt8(truncatingIfNeeded: $0)) }
    #expect(
      (bytes + words).array(of: Int64.self) == expected && (words + bytes).array(of: Int64.self) == expected)
    #expect((bytes .< words).array(of: Bool.self) == (0..<5000).map { $0 > 0 })
    let halves = (bytes * 0.5).array(of: Float.self)
    #expect(halves == (0..<5000).map { Float(UInt8(truncatingIfNeeded: $0)) * 0.5 })
    let turned = bytes.reshaped([50, 100]).transposed() + words.reshaped([100, 50])
    #expect(turned[3, 7].item(of: Int64.self) == Int64(157) << 40 + Int64(UInt8(truncatingIfNeeded: 703)))
  }

  /// The squares of five of them are beyond a Float, and so are the digits of 2^24 + 1.
  @Test func normsOfLargeIntegers() {
    let large = Tensor([Int64](repeating: .max, count: 5))
    let expected = 5.0.squareRoot() * Double(Int64.max)
    #expect(large.norm().dtype == .float32)
    #expect(abs(large.norm().item() / expected - 1) < 1e-7)
    #expect(abs(large.norm(3).item() / (pow(5, 1.0 / 3) * Double(Int64.max)) - 1) < 1e-7)
    let steps = Tensor([16_777_217, -1] as [Int32])
    #expect(steps.norm(1).item() == 16_777_218 && steps.norm(0).item() == 2)
    #expect(Tensor([3, 4] as [UInt8]).norm().item() == 5 && Tensor([true, true]).norm(1).item() == 2)
  }
}
