import CTensorABI
import Testing

/// All tests of the ABI, one after the other: some count handles.
@Suite(.serialized) enum ABITests {}

/// A tensor behind a handle, as a C program uses it.
final class ABITensor {
  let handle: tensor_handle

  init(_ handle: tensor_handle) { self.handle = handle }

  deinit { _ = tensor_release(handle, nil) }

  /// A tensor with a copy of elements in C order.
  convenience init<Element: BitwiseCopyable>(
    _ elements: [Element], _ type: Int, shape: [Int64], strides: [Int64]? = nil
  )
    throws
  {
    var handle: tensor_handle = 0
    try check {
      tensor_create(Int32(type), Int32(shape.count), shape, strides, elements, &handle, $0)
    }
    self.init(handle)
  }

  func elements<Element: BitwiseCopyable>(_ count: Int, _ zero: Element) throws -> [Element] {
    var result = [Element](repeating: zero, count: count)
    let byteCount = Int64(count * MemoryLayout<Element>.stride)
    try check { tensor_read(handle, &result, byteCount, $0) }
    return result
  }

  var floats: [Float] { get throws { try elements(Int(try shape.reduce(1, *)), Float(0)) } }

  var type: Int {
    get throws {
      var type: Int32 = -1
      try check { tensor_describe(handle, &type, nil, $0) }
      return Int(type)
    }
  }

  var shape: [Int64] { get throws { try layout().shape } }

  func layout() throws -> (shape: [Int64], strides: [Int64]) {
    var rank: Int32 = 0
    try check { tensor_describe(handle, nil, &rank, $0) }
    var (shape, strides) = ([Int64](repeating: 0, count: Int(rank)), [Int64](repeating: 0, count: Int(rank)))
    try check { tensor_layout(handle, rank, &shape, &strides, $0) }
    return (shape, strides)
  }
}

/// What a function of the ABI says is wrong.
struct ABIError: Error { let text: String }

/// Calls a function with the place of its error; its text, where there is one, is thrown.
func check(_ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Int32) throws {
  var place: UnsafeMutablePointer<CChar>?
  let status = body(&place)
  defer { tensor_text_free(place) }
  if status == 0, place == nil { return }
  throw ABIError(text: place.map { String(cString: $0) } ?? "status \(status) without a text")
}

/// The text of the error that `body` must throw.
func sentence(_ body: () throws -> Void) -> String {
  do {
    try body()
    return "no error"
  } catch {
    return (error as? ABIError)?.text ?? "another error"
  }
}

/// The results of an operation.
func call(_ name: String, _ operands: [ABITensor] = [], _ attributes: String? = nil) throws -> [ABITensor] {
  var results = [tensor_handle](repeating: 0, count: 3)
  var count: Int32 = 0
  let handles = operands.map(\.handle)
  try check {
    tensor_call(name, handles, Int32(handles.count), attributes, &results, 3, &count, $0)
  }
  return results.prefix(Int(count)).map(ABITensor.init)
}
