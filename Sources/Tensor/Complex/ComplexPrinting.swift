extension ComplexTensor: CustomStringConvertible, CustomDebugStringConvertible {
  /// The numbers in nested brackets, `[1.+2.j 3.-4.j]`, aligned and elided as NumPy's `str` does it.
  public var description: String { formatted() }

  /// The numbers as NumPy's `repr` shows them, with shape and type.
  public var debugDescription: String {
    let prefix = "ComplexTensor("
    let body = formatted(PrintOptions(lineWidth: 74), separator: ", ", prefix: prefix)
    return "\(prefix)\(body), shape: \(shape), dtype: \(dtype))"
  }

  /// The numbers in nested brackets; a single one in parentheses.
  /// - Parameters:
  ///   - options: digits, elision and width.
  ///   - separator: what stands between two numbers.
  ///   - prefix: text that will stand before the first line; the others are indented by its length.
  /// - Complexity: O(numbers printed).
  public func formatted(
    _ options: PrintOptions = PrintOptions(), separator: String = " ", prefix: String = ""
  ) -> String {
    NestedPrinter.text(of: shape, options, separator: separator, prefix: prefix) { isElided in
      let shown = isElided ? map { $0.edges(options.edgeItems) } : detached()
      if rank == 0 { return ([], [shown.single]) }
      return (shown.shape, shown.count == 0 ? [] : shown.words(options))
    }
  }

  /// Every number as text, all of one width.
  private func words(_ options: PrintOptions) -> [String] {
    func words<T: BinaryFloatingPoint & CustomStringConvertible & TensorScalar>(_: T.Type) -> [String] {
      let (a, b) = (real.array(of: T.self), imaginary.array(of: T.self))
      // The digits of the imaginary parts without their signs, which stand before them in any case.
      let sizes = FloatFormat(b.map(\.magnitude), options).words
      return zip(FloatFormat(a, options).words, zip(b, sizes)).map { first, second in
        let (value, size) = second
        let isNegative = value < 0 || value == 0 && value.sign == .minus
        let spaces = size.prefix { $0 == " " }
        let rest = size.dropFirst(spaces.count)
        let digits = rest.prefix { $0 != " " }
        return first + spaces + (isNegative ? "-" : "+") + digits + "j" + rest.dropFirst(digits.count)
      }
    }
    return dtype == .complex64 ? words(Float.self) : words(Double.self)
  }

  /// The only number as Python shows it: `(1+2j)`.
  private var single: String {
    func text<T: BinaryFloatingPoint & CustomStringConvertible & TensorScalar>(_: T.Type) -> String {
      func part(_ value: T) -> String {
        if value.isNaN { return "nan" }
        let text = value.description
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
      }
      let (a, b) = (real.array(of: T.self)[0], imaginary.array(of: T.self)[0])
      let second = part(b)
      return "(" + part(a) + (second.hasPrefix("-") ? "" : "+") + second + "j)"
    }
    return dtype == .complex64 ? text(Float.self) : text(Double.self)
  }
}
