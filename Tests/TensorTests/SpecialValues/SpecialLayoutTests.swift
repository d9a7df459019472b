import Checkpoint
import Tensor
import TestSupport
import Testing

/// Values of the tables wherever elements lie: with gaps between them, at any address, along any axis and at
/// any place of a vector.
struct SpecialLayoutTests {
  /// The elements with others between them in memory.
  static func spaced(_ x: Tensor) -> Tensor {
    if x.rank == 0 { return x }
    return Tensor.stacked([x, Tensor.ones(x.shape, dtype: x.dtype)], axis: -1)
      .slice(axis: x.rank, 0..<1).squeezed(axis: x.rank)
  }

  /// The elements side by side, one element behind the beginning of the memory.
  static func shifted(_ x: Tensor) -> Tensor {
    if x.rank == 0 { return x }
    let longer = Tensor.concatenated([Tensor.ones([1], dtype: x.dtype), x.flattened()])
    return longer.slice(axis: 0, 1..<x.count + 1).reshaped(x.shape)
  }

  @Test(arguments: SpecialTableTests.tables) func gapsAndAddresses(table: String) throws {
    for row in try SpecialTable(table).cases {
      let operation = try #require(SpecialOperations.all[row.operation])
      for (name, layout) in [("spaced", Self.spaced), ("shifted", Self.shifted)] {
        let result = operation(row.inputs.map(layout), row.arguments)
        let context = "\(row.operation)\(row.arguments) \(row.inputs[0].dtype), \(name)"
        #expect(result.shape == row.shape && result.dtype == row.output.type, "\(context)")
        expect(row.output.mismatches(result, context, inputs: row.inputs))
      }
    }
  }

  /// Rows of the tables as columns, as rows of a tensor that is turned, and in the middle of three axes.
  @Test(arguments: SpecialTableTests.tables) func everyAxis(table: String) throws {
    for row in try SpecialTable(table).cases where row.inputs.count == 1 && row.inputs[0].rank == 2 {
      guard let operation = SpecialOperations.alongAxis[row.operation] else { continue }
      let x = row.inputs[0]
      // What keeps an axis has it in the place of the one that was reduced.
      let keepsAxis = row.shape.count == 2
      let columns = x.transposed().contiguous()
      let middle = Tensor.stacked([x, x, x], axis: -1)
      let found = [
        ("columns", operation(columns, 0, row.arguments), { (y: Tensor) in keepsAxis ? y.transposed() : y }),
        ("turned", operation(columns.transposed(), 1, row.arguments), { $0 }),
        (
          "middle", operation(middle, 1, row.arguments),
          { $0.slice(axis: -1, 1..<2).squeezed(axis: -1) }
        ),
      ]
      for (name, result, restored) in found {
        let context = "\(row.operation)\(row.arguments) \(x.dtype), \(name)"
        let result = restored(result)
        #expect(result.shape == row.shape && result.dtype == row.output.type, "\(context) \(result.shape)")
        expect(row.output.mismatches(result, context, inputs: row.inputs))
      }
    }
  }

  /// A row of any length gives every element what a row of one gives it: loops of vectors and what is left
  /// over agree.
  @Test(arguments: SpecialTableTests.tables) func everyPosition(table: String) throws {
    for row in try SpecialTable(table).cases {
      guard let operation = SpecialOperations.elementwise[row.operation],
        row.inputs.allSatisfy({ $0.rank == 1 })
      else { continue }
      let n = row.inputs[0].count
      let alone = Tensor.concatenated(
        (0..<n).map { place in
          operation(row.inputs.map { $0.slice(axis: 0, place..<place + 1) }, row.arguments)
        })
      for length in [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 24, 31, 32, 33, 47, 65] {
        // Another part of the values for every length, so that each stands at many places.
        let places = Tensor((0..<length).map { Int64(($0 * 5 + 7 * length) % n) })
        let cut = row.inputs.map { $0.rows(at: places) }
        let wanted = alone.rows(at: places)
        for (name, inputs) in [
          ("", cut), (" spaced", cut.map(Self.spaced)), (" shifted", cut.map(Self.shifted)),
        ] {
          let found = operation(inputs, row.arguments)
          if let difference = difference(found, wanted) {
            Issue.record(
              "\(row.operation)\(row.arguments) \(cut[0].dtype) of \(length)\(name): \(difference) alone")
          }
        }
      }
    }
  }

  /// Other spellings of the tables' operations give the same to the last bit.
  @Test(arguments: SpecialTableTests.tables) func otherSpellings(table: String) throws {
    for row in try SpecialTable(table).cases {
      guard let others = SpecialOperations.otherSpellings[row.operation],
        let operation = SpecialOperations.all[row.operation]
      else { continue }
      let wanted = operation(row.inputs, row.arguments)
      for (number, other) in others.enumerated() {
        if row.operation == "divide", !row.inputs[0].dtype.isFloatingPoint { continue }
        let found = other(row.inputs, row.arguments)
        let problem = difference(found, wanted)
        #expect(
          problem == nil,
          "spelling \(number) of \(row.operation)\(row.arguments) \(row.inputs[0].dtype): \(problem ?? "")")
      }
    }
  }

  /// What is a function of real numbers takes integers as float32.
  @Test func integersAsRealNumbers() throws {
    let rows = try SpecialTable("integers").cases.filter { $0.operation == "add" || $0.operation == "abs" }
    for name in SpecialOperations.ofReals {
      let operation = try #require(SpecialOperations.all[name], "\(name)")
      for row in rows {
        let single = row.inputs.map { $0.to(.float32) }
        if row.inputs.count < (SpecialOperations.pairs[name] == nil && name != "atan2" ? 1 : 2) { continue }
        let found = operation(row.inputs, [0.5])
        let problem = difference(found, operation(single, [0.5]))
        #expect(problem == nil, "\(name) of \(row.inputs[0].dtype): \(problem ?? "")")
      }
    }
  }

  /// Products of matrices of every size carry what is no number into its row and column, and nowhere else.
  @Test(arguments: SpecialTable.floatingTypes) func productsOfMatrices(type: DType) {
    for (m, k, n) in [
      (1, 1, 1), (1, 7, 5), (5, 3, 7), (37, 1, 37), (4, 64, 4), (33, 65, 17), (64, 64, 64), (130, 70, 90),
      (1, 300, 200), (200, 300, 1),
    ] {
      let a = Tensor((0..<m * k).map { Double($0 % 7 - 3) }, shape: [m, k]).to(type)
      let b = Tensor((0..<k * n).map { Double($0 % 5 - 1) }, shape: [k, n]).to(type)
      let plain = a.matmul(b).array(of: Double.self)
      for value in [Double.nan, .infinity, -.infinity] {
        for (row, column) in [(0, 0), (m - 1, k - 1), (m / 2, k / 3)] {
          var changed = a
          changed[row, column] = Tensor(value, dtype: type)
          let weights = b[column].array(of: Double.self)
          let spoiled = Tensor.concatenated([changed, changed]).slice(axis: 0, 0..<m)
          let turned = b.transposed().contiguous().transposed()
          for (x, y) in [
            (changed, b), (spoiled, turned), (changed.transposed().contiguous().transposed(), b),
          ] {
            let found = x.matmul(y).array(of: Double.self)
            for place in found.indices {
              let wanted = place / n == row ? value * weights[place % n] : plain[place]
              let isSame = wanted.isNaN ? found[place].isNaN : found[place] == wanted
              if !isSame {
                let change = "\(type) \(m)x\(k)x\(n), \(value) at \(row), \(column)"
                Issue.record("\(change): \(found[place]) at \(place), not \(wanted)")
                break
              }
            }
          }
        }
      }
    }
  }

  /// What moves elements keeps all of their bits.
  @Test func movedElements() throws {
    for row in try SpecialTable("conversions").cases where row.operation == "to bool" {
      var x = row.inputs[0].slice(axis: 0, 0..<(row.inputs[0].count / 2) * 2).reshaped([2, -1])
      if x.dtype == .bool { x = Tensor.concatenated([x, x], axis: 1) }
      if x.dtype == .float32 {
        x[0, 0] = Tensor([Float(bitPattern: 0xFFA1_2345)], shape: [])
      } else if x.dtype == .float64 {
        x[0, 0] = Tensor([Double(bitPattern: 0x7FF4_0000_DEAD_BEEF)], shape: [])
      }
      let (width, type) = (x.shape[1], x.dtype)
      let mask = Tensor((0..<2 * width).map { $0 % 3 == 0 }, shape: [2, width])
      let order = Tensor((0..<width).map { Int64($0 * 1) })
      let both = Tensor.concatenated([order.reshaped([1, -1]), order.reshaped([1, -1])])
      let moved: [(String, Tensor)] = [
        ("contiguous", Self.spaced(x).contiguous()), ("shifted", Self.shifted(x)),
        ("turned", x.transposed().contiguous().transposed()),
        ("flipped", x.flipped(axes: [0, 1]).contiguous().flipped(axes: [0, 1])),
        ("concatenated", Tensor.concatenated([x[0..<1], x[1..<2]])),
        ("stacked", Tensor.stacked([x[0], x[1]])),
        ("rolled", x.rolled(3, axis: 1).rolled(-3, axis: 1)), ("tiled", x.tiled([2, 1])[0..<2]),
        ("repeated", x.repeated(2, axis: 0).slice(axis: 0, 0..<4, step: 2)),
        ("gather", x.gather(axis: 1, both)), ("takeAlong", x.takeAlong(axis: 1, both)),
        ("rows", x.rows(at: Tensor([0, 1] as [Int64]))), ("indexSelect", x.indexSelect(axis: 1, order)),
        ("scatter", Tensor.zeros(x.shape, dtype: type).scatter(axis: 1, both, x)),
        ("padded", x.padded([(1, 2), (3, 1)]).slice(axis: 0, 1..<3).slice(axis: 1, 3..<3 + width)),
        ("replicated", x.padded([(0, 0), (2, 2)], mode: .replicate).slice(axis: 1, 2..<2 + width)),
        ("select", Tensor.select(mask, x, x)),
        ("maskedScatter", x.maskedScatter(mask, x.masked(by: mask))),
        ("unfolded", x.unfolded(axis: 1, size: width)[0..., 0]),
        ("lowerTriangle", x.lowerTriangle(diagonal: 2 * width)),
        ("expanded", x.expandedDimensions(axis: 0).expanded(to: [3, 2, width])[1].contiguous()),
        ("sorted", x.gather(axis: 1, x.argsort()).scattered(x.argsort())),
      ]
      let wanted = x.contiguous().withElementBytes { Array($0) }
      for (name, found) in moved {
        let bytes = found.contiguous().withElementBytes { Array($0) }
        #expect(found.dtype == type && bytes == wanted, "\(name) of \(type)")
      }
    }
  }

  /// One issue per row, with its first mismatches.
  private func expect(_ mismatches: [String]) {
    if mismatches.isEmpty { return }
    Issue.record("\(mismatches.count) differ:\n\(mismatches.prefix(6).joined(separator: "\n"))")
  }

  /// What differs between two tensors in type, shape or an element, in words; NaN is NaN, and zeros have
  /// signs.
  private func difference(_ found: Tensor, _ wanted: Tensor) -> String? {
    if found.dtype != wanted.dtype || found.shape != wanted.shape {
      return "\(found.dtype)\(found.shape), not \(wanted.dtype)\(wanted.shape)"
    }
    if !found.dtype.isFloatingPoint {
      let (got, expected) = (found.array(of: Int64.self), wanted.array(of: Int64.self))
      return zip(got, expected).enumerated().first { $1.0 != $1.1 }.map { "\($1.0) at \($0), \($1.1)" }
    }
    let (got, expected) = (found.array(of: Double.self), wanted.array(of: Double.self))
    let first = zip(got, expected).enumerated().first {
      $1.0.isNaN || $1.1.isNaN ? $1.0.isNaN != $1.1.isNaN : $1.0.bitPattern != $1.1.bitPattern
    }
    return first.map { "\($1.0) at \($0), \($1.1)" }
  }
}

extension Tensor {
  /// The elements back at the places of the last axis that an order took them from.
  fileprivate func scattered(_ order: Tensor) -> Tensor {
    Tensor.zeros(shape, dtype: dtype).scatter(axis: 1, order, self)
  }
}
