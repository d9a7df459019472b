import Tensor
import Testing

/// Operations that choose elements, of every type, layout and length around the sizes of the kernels' blocks,
/// against plain loops over Swift arrays.
@Suite struct SelectionTableTests {
  static let lengths = [1, 2, 31, 32, 33, 63, 64, 65, 129, 1025, 33_000]
  static let types: [DType] = [.float32, .float64, .float16, .bfloat16, .int32, .int64, .uint8, .bool]

  /// Numbers with many equal ones, both ends of integers, and for floating point infinities, both zeros and
  /// NaN.
  private func values(_ count: Int, _ type: DType, seed: UInt64) -> Tensor {
    var generator = RandomGenerator(seed: seed)
    if type.isFloatingPoint {
      let special: [Double] = [.nan, .infinity, -.infinity, 0.0, -0.0, 1e-40, -1e-40]
      return Tensor(
        (0..<count).map { _ -> Double in
          let draw = generator.integer(below: 40)
          return draw < special.count ? special[draw] : Double(generator.integer(below: 50)) - 25
        }
      ).to(type)
    }
    if type == .int64 {
      return Tensor(
        (0..<count).map { _ -> Int64 in
          switch generator.integer(below: 12) {
          case 0: .max
          case 1: .min
          case 2: .max - 1
          default: Int64(generator.integer(below: 9)) + 9_007_199_254_740_990
          }
        })
    }
    return Tensor((0..<count).map { _ in Int64(generator.integer(below: 300)) }).to(type)
  }

  /// Whether `a` stands before `b` in ascending order: NaN last, both zeros equal. Integers exactly.
  private func order(_ tensor: Tensor) -> (Int, Int) -> Bool {
    if tensor.dtype.isFloatingPoint {
      let x = tensor.array(of: Double.self)
      return { x[$0].isNaN ? false : x[$1].isNaN ? true : x[$0] < x[$1] }
    }
    let x = tensor.array(of: Int64.self)
    return { x[$0] < x[$1] }
  }

  @Test(arguments: types) func ordersOfEveryType(type: DType) {
    for length in Self.lengths {
      let x = values(length, type, seed: UInt64(length))
      let precedes = order(x)
      for descending in [false, true] {
        // Stable: equal elements keep their order in both directions.
        let expected = (0..<length).sorted {
          descending
            ? (precedes($1, $0) || (!precedes($0, $1) && $0 < $1))
            : (precedes($0, $1) || (!precedes($1, $0) && $0 < $1))
        }
        #expect(x.argsort(descending: descending).array(of: Int.self) == expected, "\(type), \(length)")
        for count in Set([1, 3, min(10, length), min(64, length)]) where count <= length {
          #expect(
            x.topK(count, largest: descending).indices.array(of: Int.self) == Array(expected.prefix(count)),
            "top \(count) of \(type), \(length)")
        }
      }
      let isNaN = type.isFloatingPoint ? x.array(of: Double.self).map(\.isNaN) : []
      let firstNaN = isNaN.firstIndex(of: true)
      #expect(x.argmax().item() == Double(firstNaN ?? (0..<length).reduce(0) { precedes($0, $1) ? $1 : $0 }))
      #expect(x.argmin().item() == Double(firstNaN ?? (0..<length).reduce(0) { precedes($1, $0) ? $1 : $0 }))
      let (unique, inverse, counts) = x.unique()
      #expect(counts.sum().item() == Double(length))
      let sorted = (0..<length).sorted { precedes($0, $1) }
      let starts = sorted.indices.filter { $0 == 0 || precedes(sorted[$0 - 1], sorted[$0]) }
      #expect(unique.count == starts.count && inverse.shape == [length])
      let rebuilt = unique.rows(at: inverse)
      #expect(((rebuilt .== x) .| x.isNaN()).all().item() == 1, "\(type), \(length)")
    }
  }

  @Test(arguments: types) func positionsAlongEveryAxis(type: DType) {
    for shape in [[3, 70, 5], [2, 1, 9], [40, 1100], [1100, 3], [1, 7], [5, 4, 1]] {
      let x = values(shape.reduce(1, *), type, seed: 5).reshaped(shape)
      for view in [x, x.transposed(0, shape.count - 1)] {
        for axis in 0..<view.rank {
          let rows = view.transposed(axis, view.rank - 1).contiguous().reshaped([-1, view.shape[axis]])
          let largest = (0..<rows.shape[0]).map { rows[$0].argmax().item() }
          let smallest = (0..<rows.shape[0]).map { rows[$0].argmin().item() }
          let moved = { (t: Tensor) in t.transposed(axis, view.rank - 1).contiguous().array(of: Double.self) }
          #expect(moved(view.argmax(axis: axis, keepDims: true)) == largest, "\(type) \(shape) axis \(axis)")
          #expect(moved(view.argmin(axis: axis, keepDims: true)) == smallest, "\(type) \(shape) axis \(axis)")
        }
      }
    }
    #expect(Tensor.zeros([3, 0]).argmax(axis: 0).shape == [0])
    #expect(Tensor.zeros([0, 3]).argmax(axis: 1).shape == [0])
  }

  /// A row so long that threads share it in pieces: the first of equals wins across them, and a NaN over all.
  @Test(arguments: types) func positionsInLongRows(type: DType) {
    let length = 300_001
    let many = Tensor.full([length], 7, dtype: type)
    #expect(many.argmax().item() == 0 && many.argmin().item() == 0)
    for places in [[length - 1], [70_000, 200_000], [65_535, 65_536], [131_072]] {
      for isLargest in [true, false] {
        // A bool has but two values.
        var x = type == .bool ? Tensor.full([length], isLargest ? 0 : 1, dtype: type) : many
        for place in places {
          x[place] = Tensor.full([], type == .bool ? (isLargest ? 1 : 0) : isLargest ? 9 : 3, dtype: type)
        }
        let found = isLargest ? x.argmax() : x.argmin()
        #expect(found.item() == Double(places[0]), "\(type) \(places)")
        let rows = Tensor.stacked([x]).argmax(axis: 1)
        #expect(rows.shape == [1] && (!isLargest || rows.item() == Double(places[0])))
        guard type.isFloatingPoint else { continue }
        x[150_000] = Tensor.full([], .nan, dtype: type)
        x[250_000] = Tensor.full([], .nan, dtype: type)
        #expect(x.argmax().item() == 150_000 && x.argmin().item() == 150_000, "\(type) \(places)")
      }
    }
    // The limits of a type, beyond which an integer kernel does not look.
    guard !type.isFloatingPoint, type != .bool else { return }
    func limits<T: FixedWidthInteger & TensorScalar>(_: T.Type) -> Tensor {
      Tensor([T.min, .max, .min, .max])
    }
    let ends = Tensor.concatenated([many[0..<70_000], type.withIntegerType { limits($0) }!])
    #expect(ends.argmin().item() == 70_000 && ends.argmax().item() == 70_001)
  }

  @Test(arguments: types) func truthsOfLongTensors(type: DType) {
    for length in [1, 65_536, 65_537, 300_001] {
      for place in Set([0, length / 2, length - 1]) {
        var x = Tensor.zeros([length], dtype: type)
        #expect(x.any().item() == 0)
        x[place] = Tensor.ones([], dtype: type)
        #expect(x.any().item() == 1 && x.countNonZero().item() == 1)
        #expect(x.all().item() == (length == 1 ? 1 : 0))
        let others = x .== 0
        #expect(others.all().item() == 0 && (x .< 2).all().item() == 1)
      }
    }
    let rows = Tensor.zeros([3, 70_000], dtype: type)
    #expect(rows.any().item() == 0 && (rows .== 0).all().item() == 1)
    #expect(rows.transposed().any().item() == 0 && (rows .== 0).transposed().all().item() == 1)
  }

  @Test(arguments: types) func masks(type: DType) {
    for length in Self.lengths {
      let x = values(length, type, seed: 3)
      for divisor in [1, 2, 7, 1_000_000] {
        let flags = (0..<length).map { $0 % divisor == divisor - 1 }
        let mask = Tensor(flags)
        let chosen = flags.indices.filter { flags[$0] }
        let bits = { (t: Tensor) in t.to(.float64).array(of: Double.self).map(\.bitPattern) }
        if type != .int64 {
          let all = bits(x)
          #expect(bits(x[mask]) == chosen.map { all[$0] }, "\(type), \(length), every \(divisor)")
        } else {
          let all = x.array(of: Int64.self)
          #expect(x[mask].array(of: Int64.self) == chosen.map { all[$0] })
        }
        #expect(mask.nonZero().array(of: Int.self) == chosen)
        #expect(x[mask].dtype == type)
      }
    }
  }

  @Test func masksOfSomeAxesAndPlacesInTables() {
    let x = Tensor.arange(24).reshaped([2, 3, 4])
    let mask = Tensor([true, false, false, true, false, true]).reshaped([2, 3])
    #expect(x[mask].shape == [3, 4])
    #expect(x[mask].array(of: Int.self) == [0, 1, 2, 3, 12, 13, 14, 15, 20, 21, 22, 23])
    #expect(mask.nonZero().array(of: Int.self) == [0, 0, 1, 0, 1, 2])
    #expect(mask.transposed(0, 1).nonZero().array(of: Int.self) == [0, 0, 0, 1, 2, 1])
    #expect(Tensor.zeros([2, 0, 3], dtype: .bool).nonZero().shape == [0, 3])
    #expect(Tensor([true]).reshaped([]).nonZero().shape == [1, 0])
    let recorded = Tensor.ones([6]).requiringGradient()
    let chosen = recorded[Tensor([true, false, false, true, false, true])]
    #expect(chosen.sum().backward()[recorded]!.array(of: Int.self) == [1, 0, 0, 1, 0, 1])
  }

  @Test(arguments: types) func triangles(type: DType) {
    let x = Tensor((0..<2 * 4 * 5).map { Int64($0 + 1) }).reshaped([2, 4, 5]).to(type)
    for diagonal in [-9, -4, -3, -1, 0, 1, 4, 5, 9, .min, .max] {
      let flat = x.to(.int64).array(of: Int64.self)
      func expected(_ keeps: (Int) -> Bool) -> [Int64] {
        flat.indices.map { keeps($0 % 5 - $0 / 5 % 4) ? flat[$0] : 0 }
      }
      for view in [x, x.transposed(1, 2).contiguous().transposed(1, 2)] {
        #expect(view.lowerTriangle(diagonal: diagonal).to(.int64).array() == expected { $0 <= diagonal })
        #expect(view.upperTriangle(diagonal: diagonal).to(.int64).array() == expected { $0 >= diagonal })
      }
    }
    #expect(Tensor.zeros([0, 3], dtype: type).lowerTriangle().shape == [0, 3])
    #expect(Tensor.zeros([3, 0], dtype: type).upperTriangle().shape == [3, 0])
  }

  @Test(arguments: types) func paddingByItself(type: DType) {
    let x = values(3 * 4 * 5, type, seed: 8).reshaped([3, 4, 5])
    for mode in [PaddingMode.reflect, .replicate, .circular] {
      for widths in [[(0, 0), (0, 0), (2, 1)], [(1, 2), (3, 0), (4, 4)], [(2, 2), (0, 0), (0, 0)]] {
        let padded = x.padded(widths.map { (before: $0.0, after: $0.1) }, mode: mode)
        // Axis by axis through lists of positions, as NumPy defines it.
        var expected = x
        for (axis, (before, after)) in widths.enumerated() {
          let extent = x.shape[axis]
          let places = (-before..<extent + after).map { place -> Int64 in
            switch mode {
            case .reflect: Int64(place < 0 ? -place : place < extent ? place : 2 * (extent - 1) - place)
            case .circular: Int64((place + extent) % extent)
            default: Int64(min(max(place, 0), extent - 1))
            }
          }
          expected = expected.indexSelect(axis: axis, Tensor(places))
        }
        #expect(padded.shape == expected.shape && padded.dtype == type)
        #expect(
          ((padded .== expected) .| (padded.isNaN() .& expected.isNaN())).all().item() == 1,
          "\(mode) \(widths)")
      }
    }
  }

  @Test(arguments: types) func countedNumbers(type: DType) {
    for count in [0, 1, 5, 20_000] {
      let expected = Tensor((0..<count).map(Int64.init)).to(type)
      #expect((Tensor.arange(count, dtype: type) .== expected).all().item() == 1 && expected.count == count)
    }
    #expect(Tensor.eye(3, dtype: type).to(.int64).array() == [1, 0, 0, 0, 1, 0, 0, 0, 1])
    #expect(Tensor.eye(0, dtype: type).shape == [0, 0])
    #expect(Tensor.linspace(0, 1, count: 5, dtype: type).count == 5)
    #expect(Tensor.linspace(2, 9, count: 1, dtype: type).item() == (type == .bool ? 1 : 2))
  }
}
