/// How tensors are printed, with NumPy's names and defaults (`numpy.set_printoptions`).
public struct PrintOptions: Sendable, Equatable {
  /// The largest number of digits after the decimal point; fewer are printed where fewer tell the value
  /// apart.
  public var precision = 8
  /// Tensors with more elements than this are elided.
  public var threshold = 1000
  /// How many elements remain at both ends of an elided axis.
  public var edgeItems = 3
  /// The largest number of characters in a line.
  public var lineWidth = 75
  /// Whether small and large numbers are printed without an exponent all the same.
  public var suppressesExponent = false

  /// NumPy's defaults, or some of them changed.
  public init(
    precision: Int = 8, threshold: Int = 1000, edgeItems: Int = 3, lineWidth: Int = 75,
    suppressesExponent: Bool = false
  ) {
    self.precision = Swift.max(0, precision)
    self.threshold = threshold
    self.edgeItems = Swift.max(0, edgeItems)
    self.lineWidth = lineWidth
    self.suppressesExponent = suppressesExponent
  }
}

extension Tensor: CustomStringConvertible, CustomDebugStringConvertible {
  /// The elements in nested brackets, aligned and elided as NumPy's `str` does it.
  public var description: String { formatted() }

  /// The elements as NumPy's `repr` shows them, with shape and type.
  public var debugDescription: String {
    let prefix = "Tensor("
    let body = formatted(PrintOptions(lineWidth: 74), separator: ", ", prefix: prefix)
    return "\(prefix)\(body), shape: \(shape), dtype: \(dtype))"
  }

  /// The elements in nested brackets.
  /// - Parameters:
  ///   - options: digits, elision and width.
  ///   - separator: what stands between two elements.
  ///   - prefix: text that will stand before the first line; the others are indented by its length.
  /// - Complexity: O(elements printed).
  public func formatted(
    _ options: PrintOptions = PrintOptions(), separator: String = " ", prefix: String = ""
  ) -> String {
    NestedPrinter.text(of: shape, options, separator: separator, prefix: prefix) { isElided in
      let shown = isElided ? edges(options.edgeItems) : detached()
      return (shown.shape, shown.count == 0 ? [] : shown.words(options))
    }
  }

  /// What remains of the tensor when every axis longer than two edges keeps only these.
  func edges(_ edge: Int) -> Tensor {
    noGradient {
      shape.indices.reduce(detached()) { tensor, axis in
        let extent = shape[axis]
        guard extent > 2 * edge else { return tensor }
        let ends = [0..<edge, (extent - edge)..<extent].map { tensor.slice(axis: axis, $0) }
        return Tensor.concatenated(ends, axis: axis)
      }
    }
  }

  /// Every element as text, all of one width unless there is no axis.
  private func words(_ options: PrintOptions) -> [String] {
    switch dtype {
    case .float64: FloatFormat(array(of: Double.self), options).words
    case .float32, .bfloat16: FloatFormat(array(of: Float.self), options).words
    case .float16: halfWords(options)
    case .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32:
      Self.aligned(array(of: Int64.self).map(String.init))
    case .uint64: Self.aligned(array(of: UInt64.self).map(String.init))
    case .bool:
      array(of: Bool.self).map { $0 ? (rank == 0 ? "True" : " True") : "False" }
    }
  }

  private func halfWords(_ options: PrintOptions) -> [String] {
    #if os(macOS) && arch(x86_64)
      FloatFormat(array(of: Float.self), options).words
    #else
      FloatFormat(array(of: Float.self).map { Float16($0) }, options).words
    #endif
  }

  private static func aligned(_ words: [String]) -> [String] {
    let width = words.lazy.map(\.utf8.count).max() ?? 0
    return words.map { String(repeating: " ", count: width - $0.utf8.count) + $0 }
  }
}

/// Lays words out in nested brackets, wrapping long rows.
struct NestedPrinter {
  let words: [String]
  let shape: [Int]
  /// The shape after elision, which `words` has.
  let shownShape: [Int]
  /// How many elements stand at both ends of an elided axis; nil when nothing is elided.
  let edge: Int?
  let separator: String

  /// Elements in nested brackets.
  /// - Parameter shown: what stands there, told whether long axes keep their ends alone: its shape and a word
  ///   for each element.
  static func text(
    of shape: [Int], _ options: PrintOptions, separator: String, prefix: String,
    shown: (_ isElided: Bool) -> (shape: [Int], words: [String])
  ) -> String {
    if shape.contains(0) { return "[]" }
    let isElided = shape.reduce(1, *) > options.threshold
    let shown = shown(isElided)
    if shown.words.isEmpty { return "[...]" }
    let printer = NestedPrinter(
      words: shown.words, shape: shape, shownShape: shown.shape, edge: isElided ? options.edgeItems : nil,
      separator: separator)
    return printer.text(
      axis: 0, position: 0, indent: " " + String(repeating: " ", count: prefix.count),
      width: options.lineWidth)
  }

  /// The part of the words below `position` in the first `axis` axes.
  func text(axis: Int, position: Int, indent: String, width: Int) -> String {
    if axis == shape.count { return words[position] }
    let extent = shownShape[axis]
    let gap = edge.flatMap { 2 * $0 < shape[axis] ? $0 : nil }
    let trimmed = separator.last == " " ? String(separator.dropLast()) : separator
    let isRow = axis == shape.count - 1
    var (text, line) = ("", indent)
    func item(_ index: Int) -> String {
      self.text(
        axis: axis + 1, position: position * extent + index, indent: indent + " ", width: width - 1)
    }
    func extend(_ word: String) {
      let limit = width - Swift.max(trimmed.count, 1)
      if line.count + word.count > limit && line.count > indent.count {
        while line.last == " " { line.removeLast() }
        text += line + "\n"
        line = indent
      }
      line += word
    }
    let between = trimmed + String(repeating: "\n", count: Swift.max(0, shape.count - axis - 1))
    for index in 0..<extent {
      if index == gap {
        if isRow { extend("..."); line += separator } else { text += indent + "..." + between }
      }
      let isLast = index == extent - 1
      if isRow {
        extend(item(index))
        if !isLast { line += separator }
      } else {
        text += indent + item(index) + (isLast ? "" : between)
      }
    }
    if isRow { text += line }
    return "[" + text.dropFirst(indent.count) + "]"
  }
}
