import Tensor

/// Keys and values of the tokens read so far: one buffer per layer and kind, in which every sequence has room
/// for its prompt and for all tokens that may follow.
///
/// The buffers belong to the cache alone and are written in place; what ``exchange(layer:keys:values:)``
/// returns must not outlive the step.
final class KeyValueCache {
  /// Rows of new keys that go to consecutive rows of the buffers.
  struct Run {
    var source: Int
    var count: Int
    var destination: Int
  }

  /// Bytes that are copied faster than a second thread starts.
  private static let bytesPerThread = 1 << 16

  private var keys: [Tensor]
  private var values: [Tensor]
  private let rowBytes: Int
  /// Where the rows of the next pass go.
  var runs: [Run] = []
  /// Whether the next pass reads only the keys it brings along, as a prefill does.
  var isPrefilling = true

  init(_ configuration: TextConfiguration, capacity: Int, dtype: DType) {
    let shape = [capacity, configuration.keyValueHeadCount, configuration.headSize]
    keys = []
    values = []
    for _ in 0..<configuration.hiddenLayerCount {
      keys.append(Tensor(uninitialized: shape, dtype: dtype))
      values.append(Tensor(uninitialized: shape, dtype: dtype))
    }
    rowBytes = configuration.keyValueHeadCount * configuration.headSize * dtype.byteSize
  }

  /// All keys and values of one layer, `[rows, key heads, head size]`, for a pass that writes them itself.
  func buffers(layer: Int) -> (keys: Tensor, values: Tensor) { (keys[layer], values[layer]) }

  /// Stores new rows of one layer and returns the rows that queries attend to.
  func exchange(layer: Int, keys newKeys: Tensor, values newValues: Tensor) -> (keys: Tensor, values: Tensor)
  {
    let (buffers, rows) = ([keys[layer], values[layer]], [newKeys.contiguous(), newValues.contiguous()])
    for (rows, buffer) in zip(rows, buffers) {
      tensorRequire(
        rows.dtype == buffer.dtype, "KeyValueCache", "found \(rows.dtype), expected \(buffer.dtype)")
    }
    let copied = max(1, (runs.map(\.count).max() ?? 0) * rowBytes)
    Threads.parallel(2 * runs.count, grain: max(1, Self.bytesPerThread / copied)) { range in
      for index in range {
        let (kind, run) = (index % 2, runs[index / 2])
        (buffers[kind].rawPointer + run.destination * rowBytes).copyMemory(
          from: rows[kind].rawPointer + run.source * rowBytes, byteCount: run.count * rowBytes)
      }
    }
    return isPrefilling ? (newKeys, newValues) : (keys[layer], values[layer])
  }
}
