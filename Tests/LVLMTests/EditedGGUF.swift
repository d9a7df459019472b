import Foundation

/// A GGUF file taken apart, so that tests can change one part and write it again.
struct EditedGGUF {
  struct Value {
    var key: String
    var type: UInt32
    var bytes: Data
  }

  struct Info {
    var name: String
    /// Fastest axis first, as the file has them.
    var extents: [UInt64]
    var type: UInt32
    var offset: UInt64
  }

  var values: [Value] = []
  var infos: [Info] = []
  /// Counts other than the true ones.
  var statedTensors: UInt64?
  var statedValues: UInt64?
  var data = Data()

  init(_ url: URL) throws {
    let whole = try Data(contentsOf: url)
    var position = 8
    func take<T: FixedWidthInteger>(_: T.Type) -> T {
      defer { position += MemoryLayout<T>.size }
      return whole.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: position, as: T.self) }
    }
    func text() -> String {
      let count = Int(take(UInt64.self))
      defer { position += count }
      return String(decoding: whole[position..<position + count], as: UTF8.self)
    }
    func skip(_ type: UInt32) {
      switch type {
      case 0, 1, 7: position += 1
      case 2, 3: position += 2
      case 4, 5, 6: position += 4
      case 8: _ = text()
      case 9:
        let element = take(UInt32.self)
        for _ in 0..<take(UInt64.self) { skip(element) }
      default: position += 8
      }
    }
    let (tensors, count) = (take(UInt64.self), take(UInt64.self))
    for _ in 0..<count {
      let key = text()
      let type = take(UInt32.self)
      let start = position
      skip(type)
      values.append(Value(key: key, type: type, bytes: whole[start..<position]))
    }
    for _ in 0..<tensors {
      let name = text()
      let extents = (0..<take(UInt32.self)).map { _ in take(UInt64.self) }
      infos.append(Info(name: name, extents: extents, type: take(UInt32.self), offset: take(UInt64.self)))
    }
    data = whole[((position + 31) / 32 * 32)...]
  }

  func value(_ key: String) -> UInt64? {
    values.first { $0.key == key }.map { $0.bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) } }
  }

  /// Sets a whole number, of 64 bits, in place of what the key had.
  mutating func set(_ key: String, _ value: UInt64) {
    let bytes = withUnsafeBytes(of: value.littleEndian) { Data($0) }
    values.removeAll { $0.key == key }
    values.append(Value(key: key, type: 10, bytes: bytes))
  }

  /// The bytes of the file.
  func encoded() -> Data {
    var out = Data("GGUF".utf8)
    func put<T: FixedWidthInteger>(_ value: T) {
      withUnsafeBytes(of: value.littleEndian) { out.append(contentsOf: $0) }
    }
    func put(_ text: String) {
      put(UInt64(text.utf8.count))
      out.append(contentsOf: text.utf8)
    }
    put(UInt32(3))
    put(statedTensors ?? UInt64(infos.count))
    put(statedValues ?? UInt64(values.count))
    for value in values {
      put(value.key)
      put(value.type)
      out.append(value.bytes)
    }
    for info in infos {
      put(info.name)
      put(UInt32(info.extents.count))
      for extent in info.extents { put(extent) }
      put(info.type)
      put(info.offset)
    }
    out.append(contentsOf: [UInt8](repeating: 0, count: (32 - out.count % 32) % 32))
    return out + data
  }
}
