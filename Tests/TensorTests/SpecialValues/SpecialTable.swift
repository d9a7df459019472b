import Checkpoint
import Foundation
import Tensor
import TestSupport

/// A file of `Tests/Fixtures/special`: operations over special values and what PyTorch makes of them; see its
/// `README.md`.
struct SpecialTable {
  /// Expected numbers with their tolerance.
  struct Numbers {
    var values: [Double]
    /// The same of an integer type, of which a Double does not hold all.
    var integers: [Int64]?
    var type: DType
    /// Units of the last place of the expected value.
    var ulps: Double
    /// An absolute tolerance in units of the type's epsilon.
    var epsilons: Double
    /// Larger `ulps` of single elements.
    var extra: [Int: Double]
  }

  struct Case {
    var operation: String
    var arguments: [Double]
    var inputs: [Tensor]
    var shape: [Int]
    var output: Numbers
    /// The gradient of every input; nil for those that have none.
    var gradients: [Numbers?]
  }

  var cases: [Case] = []

  /// The types of tables by their names there. Rows of other types, which a table may have, are left out.
  static let types: [String: DType] = Dictionary(
    uniqueKeysWithValues: (floatingTypes + integerTypes + [.bool]).map { ($0.rawValue, $0) })
  static let floatingTypes: [DType] = [.float16, .bfloat16, .float32, .float64]
  static let integerTypes: [DType] = DType.allCases.filter(\.isInteger)

  private struct File: Decodable {
    struct Operand: Decodable {
      var shape: [Int]
      var type: String
      var bits: String
    }
    struct Expected: Decodable {
      var bits: String
      var ulps: Double
      var eps: Double
      var extra: [String: Double]?
    }
    struct Row: Decodable {
      var op: String
      var args: [String]
      var `in`: [String]
      var shape: [Int]
      var type: String
      var out: Expected
      var grads: [Expected?]?
    }
    var inputs: [String: Operand]
    var cases: [Row]
  }

  /// The table in `name.json`, or in a zlib stream of the same.
  init(_ name: String) throws {
    let plain = Fixtures.url("special/\(name).json")
    let isPlain = FileManager.default.fileExists(atPath: plain.path)
    let stored = try Data(contentsOf: isPlain ? plain : plain.appendingPathExtension("zlib"))
    guard let text = isPlain ? stored : ZlibText.inflated([UInt8](stored), limit: 1 << 26).map({ Data($0) })
    else { throw CocoaError(.fileReadCorruptFile) }
    let file = try JSONDecoder().decode(File.self, from: text)
    let operands = file.inputs.compactMapValues { operand -> Tensor? in
      guard let type = Self.types[operand.type] else { return nil }
      let words = Self.words(operand.bits, type.byteSize)
      if type.isFloatingPoint {
        return Tensor(words.map { Self.number($0, type) }, shape: operand.shape).to(type)
      }
      return Tensor(words.map { Self.integer($0, operand.type) }, shape: operand.shape).to(type)
    }
    cases = file.cases.compactMap { row in
      let inputs = row.in.compactMap { operands[$0] }
      guard inputs.count == row.in.count, let type = Self.types[row.type] else { return nil }
      // NumPy's `nansum` and `trace` of uint64 are uint64, as here; the tables have their bits as int64.
      let isTotal = inputs.first?.dtype == .uint64 && ["nanSum", "trace"].contains(row.op)
      let gradients = zip(row.grads ?? [], inputs).map { expected, input in
        expected.map { Self.numbers($0, input.dtype) }
      }
      return Case(
        operation: row.op, arguments: row.args.map { Double($0)! }, inputs: inputs, shape: row.shape,
        output: Self.numbers(row.out, isTotal ? .uint64 : type), gradients: gradients)
    }
  }

  private static func numbers(_ expected: File.Expected, _ type: DType) -> Numbers {
    let words = words(expected.bits, type.byteSize)
    let integers = type.isFloatingPoint ? nil : words.map { integer($0, type.rawValue) }
    let values = integers?.map { Double($0) } ?? words.map { number($0, type) }
    let extra = (expected.extra ?? [:]).map { (Int($0.key)!, $0.value) }
    return Numbers(
      values: values, integers: integers, type: type, ulps: expected.ulps, epsilons: expected.eps,
      extra: Dictionary(uniqueKeysWithValues: extra))
  }

  private static func words(_ bits: String, _ byteSize: Int) -> [UInt64] {
    let digits = Array(bits.utf8)
    return stride(from: 0, to: digits.count, by: 2 * byteSize).map { start in
      digits[start..<start + 2 * byteSize].reduce(0) { $0 << 4 | UInt64($1 >= 97 ? $1 - 87 : $1 - 48) }
    }
  }

  private static func number(_ word: UInt64, _ type: DType) -> Double {
    switch type {
    case .float16: Double(Float16(bitPattern: UInt16(word)))
    case .bfloat16: Double(Float(bitPattern: UInt32(word) << 16))
    case .float32: Double(Float(bitPattern: UInt32(word)))
    default: Double(bitPattern: word)
    }
  }

  /// A number of an integer type as an Int64, of which it is the low bits; of the largest type all.
  private static func integer(_ word: UInt64, _ type: String) -> Int64 {
    switch type {
    case "int8": Int64(Int8(bitPattern: UInt8(word)))
    case "int16": Int64(Int16(bitPattern: UInt16(word)))
    case "int32": Int64(Int32(bitPattern: UInt32(word)))
    default: Int64(bitPattern: word)
    }
  }
}

extension SpecialTable.Numbers {
  /// Every element that is not as expected, in words.
  func mismatches(_ found: Tensor, _ context: String, inputs: [Tensor]) -> [String] {
    let numbers = found.detached().array(of: Double.self)
    guard numbers.count == values.count else {
      return ["\(context): \(numbers.count) numbers for \(values.count)"]
    }
    let operands = inputs.map { $0.array(of: Double.self) }
    let rows = inputs.map { $0.count == values.count ? 1 : $0.count / max(values.count, 1) }
    let whole = integers == nil ? [] : found.detached().to(.int64).array(of: Int64.self)
    return zip(numbers, values).enumerated().compactMap { index, pair in
      let (got, wanted) = pair
      if let integers {
        if whole[index] == integers[index] { return nil }
      } else if agrees(got, wanted, ulps: extra[index] ?? ulps) {
        return nil
      }
      let given = zip(operands, rows).map { values, width in
        width == 0 ? "\(values)" : "\(Array(values[index * width..<(index + 1) * width]))"
      }
      return "\(context)[\(index)] of \(given.joined(separator: ", ")): \(got), expected \(wanted)"
    }
  }

  private func agrees(_ got: Double, _ wanted: Double, ulps: Double) -> Bool {
    if wanted.isNaN || got.isNaN { return wanted.isNaN && got.isNaN }
    if wanted == got && (wanted != 0 || wanted.sign == got.sign || !type.isFloatingPoint) { return true }
    if wanted.isInfinite || got.isInfinite { return false }
    let (epsilon, unit) = lastPlaces(of: wanted, type)
    // A zero has its sign; what rounds to it from the other side is another number.
    if wanted == 0 && got == 0 { return epsilons > 0 }
    return abs(got - wanted) <= ulps * unit + epsilons * epsilon
  }
}

/// What rounds in a floating-point type: its distance of 1 to the next number, and the unit in the last place
/// of a number, that of the smallest normal one at least.
func lastPlaces(of number: Double, _ type: DType) -> (epsilon: Double, unit: Double) {
  let (epsilon, smallest) =
    switch type {
    case .float16: (0x1p-10, 0x1p-14)
    case .bfloat16: (0x1p-7, 0x1p-126)
    case .float32: (0x1p-23, 0x1p-126)
    default: (0x1p-52, 0x1p-1022)
    }
  return (epsilon, scalbn(epsilon, Int(max(abs(number), smallest).exponent)))
}
