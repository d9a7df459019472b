#if canImport(Glibc)
  import Glibc
#else
  import Foundation
#endif

/// A file in Chrome's trace format: an array of events, whose last bracket may be missing
/// ("Trace Event Format", Google, section 1.2).
final class ProfileFile {
  private let path: String
  private let file: UnsafeMutablePointer<FILE>
  private var buffer: [UInt8] = []
  /// Why something could not be written.
  private var failure: Int32?

  init(_ path: String) throws(TensorError) {
    guard let file = fopen(path, "w") else {
      throw TensorError(operation: "Profile", message: "\(path): \(String(cString: strerror(errno)))")
    }
    self.path = path
    self.file = file
    buffer.reserveCapacity(1 << 17)
    write("[\n")
    write(#"{"ph":"M","pid":1,"tid":0,"name":"process_name","args":{"name":"tensor"}}"#)
  }

  /// The name of a function without its arguments, or that of an operation.
  static func word(_ name: StaticString) -> String {
    name.withUTF8Buffer { String(decoding: $0.prefix { $0 != UInt8(ascii: "(") }, as: UTF8.self) }
  }

  /// An event on a lane from `start` to `end`, in nanoseconds.
  func event(
    _ lane: Int, category: StaticString, _ name: String, since origin: UInt64, _ start: UInt64, _ end: UInt64
  ) {
    begin(lane, category, since: origin, start, end)
    write(#","name":""#)
    escape(name)
    write(#""}"#)
    flushIfFull()
  }

  /// An operation with what it made of what.
  func operation(
    _ lane: Int, _ span: ProfileSpan, name: StaticString?, inputs: [[Int]], since origin: UInt64,
    until end: UInt64
  ) {
    begin(lane, "operation", since: origin, span.start, end)
    write(#","name":""#)
    writeWord(name ?? span.function)
    write(#"","args":{"shape":""#)
    write(span.shape)
    write(#"","type":""#)
    buffer.append(contentsOf: span.type.rawValue.utf8)
    write(#"","bytes":"#)
    write(UInt64(span.shape.reduce(1, *) * span.type.byteSize))
    if !inputs.isEmpty {
      write(#","inputs":""#)
      for (index, shape) in inputs.enumerated() {
        if index > 0 { write(" ") }
        write(shape)
      }
      write("\"")
    }
    write("}}")
    flushIfFull()
  }

  /// How much memory tensors have.
  func memory(_ bytes: Int, since origin: UInt64, _ time: UInt64) {
    write(",\n{\"ph\":\"C\",\"pid\":1,\"name\":\"memory of tensors\",\"ts\":")
    writeMicroseconds(time - origin)
    write(#","args":{"bytes":"#)
    write(UInt64(max(bytes, 0)))
    write("}}")
    flushIfFull()
  }

  func threadName(_ lane: Int, _ name: String) {
    write(",\n{\"ph\":\"M\",\"pid\":1,\"tid\":")
    write(UInt64(lane))
    write(#","name":"thread_name","args":{"name":""#)
    escape(name)
    write(#""}}"#)
  }

  /// Writes what is left.
  /// - Throws: ``TensorError`` where not all could be written.
  func close() throws(TensorError) {
    write("\n]\n")
    flush()
    if fclose(file) != 0, failure == nil { failure = errno }
    guard let failure else { return }
    throw TensorError(
      operation: "Profile", message: "\(path): is not complete: \(String(cString: strerror(failure)))")
  }

  // MARK: Text

  private func begin(
    _ lane: Int, _ category: StaticString, since origin: UInt64, _ start: UInt64, _ end: UInt64
  ) {
    write(",\n{\"ph\":\"X\",\"pid\":1,\"tid\":")
    write(UInt64(lane))
    write(#","ts":"#)
    writeMicroseconds(start - min(origin, start))
    write(#","dur":"#)
    writeMicroseconds(end - start)
    write(#","cat":""#)
    write(category)
    write("\"")
  }

  private func write(_ text: StaticString) {
    text.withUTF8Buffer { buffer.append(contentsOf: $0) }
  }

  private func writeWord(_ name: StaticString) {
    name.withUTF8Buffer { buffer.append(contentsOf: $0.prefix { $0 != UInt8(ascii: "(") }) }
  }

  private func write(_ shape: [Int]) {
    write("[")
    for (axis, extent) in shape.enumerated() {
      if axis > 0 { write(", ") }
      write(UInt64(extent))
    }
    write("]")
  }

  private func write(_ number: UInt64, digits: Int = 1) {
    let first = buffer.count
    var rest = number
    while rest > 0 || buffer.count < first + digits {
      buffer.append(UInt8(ascii: "0") + UInt8(rest % 10))
      rest /= 10
    }
    buffer[first...].reverse()
  }

  /// Nanoseconds as microseconds with three decimals.
  private func writeMicroseconds(_ nanoseconds: UInt64) {
    let (whole, part) = nanoseconds.quotientAndRemainder(dividingBy: 1000)
    write(whole)
    write(".")
    write(part, digits: 3)
  }

  private func escape(_ text: String) {
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        buffer.append(UInt8(ascii: "\\"))
        buffer.append(byte)
      case 0..<0x20: write(" ")
      default: buffer.append(byte)
      }
    }
  }

  private func flushIfFull() {
    if buffer.count > 1 << 16 { flush() }
  }

  private func flush() {
    if failure == nil, fwrite(buffer, 1, buffer.count, file) != buffer.count || fflush(file) != 0 {
      failure = errno
    }
    buffer.removeAll(keepingCapacity: true)
  }
}
