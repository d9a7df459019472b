/// A running average of weights that forgets: `average ← decay · average + (1 − decay) · weight` after every
/// step (Polyak and Juditsky, 1992), as PyTorch's `AveragedModel` with `get_ema_multi_avg_fn(decay)`.
///
///     let average = ExponentialMovingAverage(decay: 0.999)
///     for batch in batches {
///       optimizer.step(parameters, loss(batch).backward())
///       average.update(parameters)
///     }
///     average.withAverages(in: parameters) { evaluate(model) }
///
/// The average belongs to the ``Parameter``; names only say what it is called in a file. It has the
/// parameter's type, and Float32 for parameters in half precision, so that small shares add up.
public final class ExponentialMovingAverage {
  private struct Entry {
    var name: String
    var value: Tensor
  }

  /// The share of the average that an update keeps.
  public let decay: Double
  /// The number of updates, PyTorch's `n_averaged`.
  public private(set) var updateCount = 0
  /// By identity of the parameter.
  private var entries: [UInt64: Entry] = [:]

  /// An average of nothing.
  ///
  /// Fails with a ``TensorError`` unless the decay is from 0 to 1.
  public init(decay: Double = 0.999) {
    Self.require(decay)
    self.decay = decay
  }

  private static func require(_ decay: Double) {
    tensorRequire(
      decay >= 0 && decay <= 1, "ExponentialMovingAverage", "a decay is between 0 and 1, found \(decay)")
  }

  private static func type(for dtype: DType) -> DType { dtype.isHalfPrecision ? .float32 : dtype }

  /// Takes in the present weights. A parameter that is there for the first time is taken as it is.
  ///
  /// Fails with a ``TensorError`` unless the decay is from 0 to 1.
  /// - Parameter decay: that of this update, where it grows with the steps; nil for ``decay``.
  public func update(_ parameters: [NamedParameter], decay: Double? = nil) {
    let decay = decay ?? self.decay
    Self.require(decay)
    noGradient {
      var seen = Set<UInt64>()
      for (name, parameter) in parameters where seen.insert(parameter.identity).inserted {
        let now = parameter.tensor.detached().to(Self.type(for: parameter.dtype))
        // A product is memory of its own: the weight goes on changing where it lies.
        let value = entries[parameter.identity].map { $0.value.to(now.dtype).lerp(now, 1 - decay) } ?? now * 1
        entries[parameter.identity] = Entry(name: name, value: value)
      }
    }
    updateCount += 1
  }

  /// The average of a parameter; nil before the first update with it.
  public subscript(parameter: Parameter) -> Tensor? { entries[parameter.identity]?.value }

  /// Exchanges weights and averages: the second call takes the first one back. Parameters without an average
  /// stay as they are.
  ///
  /// Weights in half precision are exchanged without loss; an average that was put into one is rounded, and
  /// what comes back is the rounded one: to go on averaging use ``withAverages(in:_:)``.
  public func swap(with parameters: [NamedParameter]) {
    var seen = Set<UInt64>()
    for (_, parameter) in parameters where seen.insert(parameter.identity).inserted {
      guard let entry = entries[parameter.identity] else { continue }
      let own = parameter.tensor.detached()
      parameter.tensor = entry.value
      entries[parameter.identity]?.value = own.to(Self.type(for: own.dtype))
    }
  }

  /// Runs something while parameters have their averages, and gives them their own weights back.
  /// - Returns: what `body` returns.
  /// - Throws: what `body` throws.
  public func withAverages<Result>(
    in parameters: [NamedParameter], _ body: () throws -> Result
  ) rethrows -> Result {
    let own = parameters.map { ($0.parameter, $0.parameter.tensor.detached()) }
    put(into: parameters)
    defer { for (parameter, value) in own { parameter.tensor = value } }
    return try body()
  }

  /// Gives parameters their averages for good.
  public func put(into parameters: [NamedParameter]) {
    for (_, parameter) in parameters {
      if let entry = entries[parameter.identity] { parameter.tensor = entry.value }
    }
  }

  /// Everything a checkpoint needs, sorted by name: `<parameter>.ema` for each, and `n_averaged`.
  ///
  /// Fails with a ``TensorError`` when two parameters have the same name.
  public func namedState() -> [(name: String, tensor: Tensor)] {
    let sorted = entries.values.sorted { $0.name < $1.name }
    for (one, next) in zip(sorted, sorted.dropFirst()) {
      tensorRequire(
        one.name != next.name, "ExponentialMovingAverage",
        "two parameters are named \(one.name), of shapes \(one.value.shape) and \(next.value.shape)")
    }
    return sorted.map { ("\($0.name).ema", $0.value) }
      + [("n_averaged", Tensor([Int64(updateCount)], shape: []))]
  }

  /// Takes over a state saved by ``namedState()``. Averages of another floating-point type are converted.
  /// - Throws: ``TensorError`` when an entry is missing, belongs to no parameter or does not fit its own; the
  ///   average is then as before.
  public func load(state saved: [(name: String, tensor: Tensor)], parameters: [NamedParameter]) throws {
    func error(_ message: String) -> TensorError {
      TensorError(operation: "ExponentialMovingAverage", message: message)
    }
    var unused: [String: Tensor] = [:]
    for (name, tensor) in saved where unused.updateValue(tensor.detached(), forKey: name) != nil {
      throw error("the saved state has two entries named \(name)")
    }
    guard let count = unused.removeValue(forKey: "n_averaged") else {
      throw error("the saved state is incomplete: n_averaged")
    }
    guard count.count == 1, let updates = Int(exactly: count.item()), updates >= 0 else {
      throw error("the saved n_averaged is no count: \(count.array(of: Double.self))")
    }
    var loaded: [UInt64: Entry] = [:]
    for (name, parameter) in parameters where loaded[parameter.identity] == nil {
      guard let tensor = unused.removeValue(forKey: "\(name).ema") else {
        if updates > 0 { throw error("the saved state is incomplete: \(name).ema") }
        continue
      }
      guard tensor.shape == parameter.shape else {
        throw error(
          "the saved average of \(name) has shape \(tensor.shape), the parameter \(parameter.shape)")
      }
      guard tensor.dtype.isFloatingPoint else {
        throw error("the saved average of \(name) has \(tensor.dtype) numbers, expected floating point")
      }
      loaded[parameter.identity] = Entry(
        name: name, value: tensor.to(Self.type(for: parameter.dtype)).contiguous())
    }
    if let name = unused.keys.min() {
      throw error("the saved state has \(name), which belongs to no parameter")
    }
    (entries, updateCount) = (loaded, updates)
  }
}
