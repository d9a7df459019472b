/// What a pickle of tensors holds. Containers are numbers into ``Pickle``: a value that is deeply nested, or
/// in itself, costs nothing to take apart.
enum PickleValue: Equatable {
  case none
  case boolean(Bool)
  case integer(Int)
  case real(Double)
  case text(String)
  /// A name of a module, `torch._utils _rebuild_tensor_v2`.
  case global(String)
  case tuple(Int)
  case list(Int)
  case dictionary(Int)
  case storage(PyTorchStorage)
  case tensor(PyTorchView)

  /// What errors call it.
  var kind: String {
    switch self {
    case .none: "None"
    case .boolean: "a truth value"
    case .integer: "a whole number"
    case .real: "a number"
    case .text: "text"
    case .global(let name): "the name `\(name)`"
    case .tuple: "a tuple"
    case .list: "a list"
    case .dictionary: "a dictionary"
    case .storage: "a storage"
    case .tensor: "a tensor"
    }
  }
}

/// A run of elements in a file of its own within the archive.
struct PyTorchStorage: Equatable {
  let key: String
  let elementType: ElementType
  let count: Int
}

/// A tensor: a view of a storage.
struct PyTorchView: Equatable {
  let storage: PyTorchStorage
  /// Elements before its first.
  let offset: Int
  let shape: [Int]
  let strides: [Int]
}

/// A pickle, read without running what it says: it may build tensors, dictionaries, lists and tuples, and
/// nothing else.
///
/// Format: https://docs.python.org/3/library/pickletools.html; the names are those of `torch.save`.
struct Pickle {
  private(set) var tuples: [[PickleValue]] = []
  private(set) var lists: [[PickleValue]] = []
  private(set) var dictionaries: [[(key: PickleValue, value: PickleValue)]] = []
  /// What the pickle is of.
  private(set) var value = PickleValue.none

  private enum Item {
    case value(PickleValue)
    case mark
  }
  private var stack: [Item] = []
  private var memo: [Int: PickleValue] = [:]
  private var reader: ByteReader
  private let file: String
  private let place: String

  /// - Parameters:
  ///   - bytes: all of the pickle.
  ///   - place: what errors call it.
  /// - Throws: ``CheckpointError``: `damaged` for a pickle that is cut short or contradicts itself,
  ///   `unsupported` for an instruction or a name that is none of those that tensors need.
  init(_ bytes: UnsafeRawBufferPointer, file: String, place: String) throws {
    reader = ByteReader(bytes, file: file)
    (self.file, self.place) = (file, place)
    while try step() {}
    stack = []
    memo = [:]
  }

  private func damage(_ found: String, _ expected: String) -> CheckpointError {
    CheckpointError(
      .damaged, file: file, at: "\(place) byte \(reader.position)", found: found, expected: expected)
  }

  private func refusal(_ found: String, _ expected: String) -> CheckpointError {
    CheckpointError(
      .unsupported, file: file, at: "\(place) byte \(reader.position)", found: found, expected: expected)
  }

  // MARK: Instructions

  /// Does one instruction; false after the last.
  private mutating func step() throws -> Bool {
    let code = try reader.next(UInt8.self, place)
    switch code {
    case UInt8(ascii: "."):
      value = try pop()
      return false
    case 0x80:
      let version = try reader.next(UInt8.self, place)
      guard (2...5).contains(version) else {
        throw refusal("a pickle of protocol \(version)", "one of 2 to 5")
      }
    case 0x95: _ = try reader.advance(8, place)
    case UInt8(ascii: "("): stack.append(.mark)
    case UInt8(ascii: "0"): _ = try pop()
    case UInt8(ascii: "N"): push(.none)
    case 0x88: push(.boolean(true))
    case 0x89: push(.boolean(false))
    case UInt8(ascii: "K"): push(.integer(Int(try reader.next(UInt8.self, place))))
    case UInt8(ascii: "M"): push(.integer(Int(try reader.next(UInt16.self, place))))
    case UInt8(ascii: "J"): push(.integer(Int(try reader.next(Int32.self, place))))
    case 0x8A: push(.integer(try long()))
    case UInt8(ascii: "G"):
      push(.real(Double(bitPattern: try reader.next(UInt64.self, place).byteSwapped)))
    case UInt8(ascii: "X"): push(.text(try text(Int(try reader.next(UInt32.self, place)))))
    case 0x8C: push(.text(try text(Int(try reader.next(UInt8.self, place)))))
    case 0x8D: push(.text(try text(Int(clamping: try reader.next(UInt64.self, place)))))
    case UInt8(ascii: "c"): push(try global(module: line(), name: line()))
    case 0x93:
      let (name, module) = (try popText(), try popText())
      push(try global(module: module, name: name))
    default: try container(code)
    }
    return true
  }

  /// Instructions that build, keep and fill containers.
  private mutating func container(_ code: UInt8) throws {
    switch code {
    case UInt8(ascii: ")"): pushTuple([])
    case 0x85...0x87:
      var items: [PickleValue] = []
      for _ in 0..<code - 0x84 { items.insert(try pop(), at: 0) }
      pushTuple(items)
    case UInt8(ascii: "t"): pushTuple(try popToMark())
    case UInt8(ascii: "]"): pushList([])
    case UInt8(ascii: "l"): pushList(try popToMark())
    case UInt8(ascii: "}"): pushDictionary([])
    case UInt8(ascii: "d"): pushDictionary(try pairs(popToMark()))
    case UInt8(ascii: "a"): try append([try pop()])
    case UInt8(ascii: "e"): try append(popToMark())
    case UInt8(ascii: "s"):
      let (value, key) = (try pop(), try pop())
      try fill([(key, value)])
    case UInt8(ascii: "u"): try fill(pairs(popToMark()))
    case UInt8(ascii: "q"): memo[Int(try reader.next(UInt8.self, place))] = try top()
    case UInt8(ascii: "r"): memo[Int(try reader.next(UInt32.self, place))] = try top()
    case 0x94: memo[memo.count] = try top()
    case UInt8(ascii: "h"): try recall(Int(try reader.next(UInt8.self, place)))
    case UInt8(ascii: "j"): try recall(Int(try reader.next(UInt32.self, place)))
    case UInt8(ascii: "Q"): push(.storage(try storage(try pop())))
    case UInt8(ascii: "R"):
      let (arguments, function) = (try pop(), try pop())
      try call(function, arguments)
    case UInt8(ascii: "b"):
      // The state of an ordered dictionary: `_metadata`, which versions modules.
      _ = try pop()
      guard case .dictionary = try top() else {
        throw refusal("state of \(try top().kind)", "none but of a dictionary")
      }
    default:
      throw refusal(
        "the instruction 0x\(String(code, radix: 16))", "those that tensors in dictionaries need")
    }
  }

  // MARK: The stack

  private mutating func push(_ value: PickleValue) { stack.append(.value(value)) }

  private mutating func pop() throws -> PickleValue {
    guard case .value(let value)? = stack.popLast() else { throw damage("nothing to take", "a value") }
    return value
  }

  private func top() throws -> PickleValue {
    guard case .value(let value)? = stack.last else { throw damage("nothing to look at", "a value") }
    return value
  }

  private mutating func popToMark() throws -> [PickleValue] {
    var items: [PickleValue] = []
    while let item = stack.popLast() {
      guard case .value(let value) = item else { return items.reversed() }
      items.append(value)
    }
    throw damage("no mark", "one before a run of values")
  }

  private mutating func popText() throws -> String {
    let value = try pop()
    guard case .text(let text) = value else { throw damage(value.kind, "text") }
    return text
  }

  private mutating func pushTuple(_ items: [PickleValue]) {
    tuples.append(items)
    push(.tuple(tuples.count - 1))
  }

  private mutating func pushList(_ items: [PickleValue]) {
    lists.append(items)
    push(.list(lists.count - 1))
  }

  private mutating func pushDictionary(_ items: [(key: PickleValue, value: PickleValue)]) {
    dictionaries.append(items)
    push(.dictionary(dictionaries.count - 1))
  }

  private func pairs(_ items: [PickleValue]) throws -> [(key: PickleValue, value: PickleValue)] {
    guard items.count % 2 == 0 else { throw damage("a key without value", "pairs") }
    return stride(from: 0, to: items.count, by: 2).map { (items[$0], items[$0 + 1]) }
  }

  private mutating func append(_ items: [PickleValue]) throws {
    guard case .list(let number) = try top() else { throw damage(try top().kind, "a list") }
    lists[number] += items
  }

  private mutating func fill(_ items: [(key: PickleValue, value: PickleValue)]) throws {
    guard case .dictionary(let number) = try top() else { throw damage(try top().kind, "a dictionary") }
    dictionaries[number] += items
  }

  private mutating func recall(_ number: Int) throws {
    guard let value = memo[number] else { throw damage("no value \(number)", "one that was kept before") }
    push(value)
  }

  // MARK: Values

  /// A whole number in as many bytes as it needs.
  private mutating func long() throws -> Int {
    let count = Int(try reader.next(UInt8.self, place))
    guard count <= 8 else { throw refusal("a whole number of \(count) bytes", "at most 8") }
    var bits: UInt64 = 0
    var last: UInt8 = 0
    for index in 0..<count {
      last = try reader.next(UInt8.self, place)
      bits |= UInt64(last) << (8 * UInt64(index))
    }
    if last >= 0x80, count < 8 { bits |= ~0 << (8 * UInt64(count)) }
    return Int(truncatingIfNeeded: bits)
  }

  private mutating func text(_ count: Int) throws -> String { try reader.text(count, place) }

  /// The bytes up to the end of the line.
  private mutating func line() throws -> String {
    var bytes: [UInt8] = []
    while true {
      let byte = try reader.next(UInt8.self, place)
      if byte == UInt8(ascii: "\n") { return String(decoding: bytes, as: UTF8.self) }
      bytes.append(byte)
    }
  }

  private func items(_ value: PickleValue, of what: String) throws -> [PickleValue] {
    guard case .tuple(let number) = value else { throw damage("\(value.kind) for \(what)", "a tuple") }
    return tuples[number]
  }

  private func naturals(_ value: PickleValue, of what: String) throws -> [Int] {
    try items(value, of: what).map { item in
      guard case .integer(let number) = item, number >= 0 else {
        throw damage("\(item.kind) in \(what)", "whole numbers that are not negative")
      }
      return number
    }
  }

  // MARK: Names

  /// Types of storages by the names of their classes.
  private static let storages: [String: ElementType] = [
    "torch.FloatStorage": .float32, "torch.HalfStorage": .float16, "torch.BFloat16Storage": .bfloat16,
    "torch.DoubleStorage": .float64, "torch.LongStorage": .int64, "torch.IntStorage": .int32,
    "torch.ShortStorage": .int16, "torch.CharStorage": .int8, "torch.ByteStorage": .uint8,
    "torch.BoolStorage": .bool,
  ]
  private static let rebuildTensor = "torch._utils._rebuild_tensor_v2"
  private static let rebuildParameter = "torch._utils._rebuild_parameter"
  private static let orderedDictionary = "collections.OrderedDict"

  private func global(module: String, name: String) throws -> PickleValue {
    let full = "\(module).\(name)"
    guard
      Self.storages[full] != nil
        || [Self.rebuildTensor, Self.rebuildParameter, Self.orderedDictionary].contains(full)
    else {
      throw refusal("the name `\(full)`", "none but those of tensors and dictionaries: no code is run")
    }
    return .global(full)
  }

  /// The storage that a tuple names: `storage`, class, key, device, number of elements.
  private func storage(_ reference: PickleValue) throws -> PyTorchStorage {
    let parts = try items(reference, of: "a storage")
    guard parts.count == 5, parts[0] == .text("storage"), case .global(let name) = parts[1],
      let type = Self.storages[name], case .text(let key) = parts[2], case .text = parts[3],
      case .integer(let count) = parts[4], count >= 0
    else {
      throw damage(
        "a storage of (\(parts.map(\.kind).joined(separator: ", ")))",
        "`storage`, its class, key, device and number of elements")
    }
    return PyTorchStorage(key: key, elementType: type, count: count)
  }

  private mutating func call(_ function: PickleValue, _ arguments: PickleValue) throws {
    let given = try items(arguments, of: "arguments")
    switch function {
    case .global(Self.orderedDictionary):
      guard given.isEmpty else { throw refusal("a dictionary made of \(given[0].kind)", "an empty one") }
      pushDictionary([])
    case .global(Self.rebuildParameter):
      guard case .tensor? = given.first else { throw damage("a parameter of no tensor", "one of a tensor") }
      push(given[0])
    case .global(Self.rebuildTensor): push(.tensor(try view(given)))
    default: throw damage("a call of \(function.kind)", "one of a function")
    }
  }

  /// A tensor of storage, offset, shape, strides, and what gradients need.
  private func view(_ given: [PickleValue]) throws -> PyTorchView {
    guard given.count >= 6, case .storage(let storage) = given[0], case .integer(let offset) = given[1],
      offset >= 0
    else {
      throw damage("a tensor without storage or offset", "storage, offset, shape and strides")
    }
    // Conjugates and negatives are told by a dictionary behind the rest.
    if given.count > 6 {
      switch given[6] {
      case .none: break
      case .dictionary(let number) where dictionaries[number].isEmpty: break
      default: throw refusal("a tensor with further properties", "none, such as a view of negative values")
      }
    }
    let (shape, strides) = (try naturals(given[2], of: "a shape"), try naturals(given[3], of: "strides"))
    guard shape.count == strides.count else {
      throw damage("\(strides.count) strides for shape \(shape)", "\(shape.count)")
    }
    // One past the last element; an overflow is beyond any storage.
    var end = shape.contains(0) ? offset : offset &+ 1
    if end < offset { end = .max }
    for (extent, stride) in zip(shape, strides) where !shape.contains(0) {
      let (reach, isLarge) = (extent - 1).multipliedReportingOverflow(by: stride)
      let (sum, isLarger) = end.addingReportingOverflow(reach)
      end = isLarge || isLarger ? .max : sum
    }
    guard end <= storage.count, storage.elementType.byteCount(shape: shape) != nil else {
      throw damage(
        "shape \(shape) with strides \(strides) from element \(offset)",
        "a view of the \(storage.count) elements of storage \(storage.key)")
    }
    return PyTorchView(storage: storage, offset: offset, shape: shape, strides: strides)
  }
}
