import CTensorKernels
import Synchronization

/// For every sample of a resized row or column: which source samples it sums, and with which weights.
struct ResamplingTable: Sendable {
  /// The number of output samples.
  let count: Int
  /// The first source sample of every output sample.
  private let starts: [Int32]
  /// The number of source samples of every output sample.
  private let counts: [Int32]
  /// `stride` weights for every output sample: integers with ``precision`` fractional bits.
  private let weights: [Int32]
  /// The largest number of source samples.
  private let stride: Int

  /// Fractional bits of a weight, as in Pillow's 8-bit path.
  private static let precision = Double(1 << TK_RESAMPLE_PRECISION)

  init(from source: Int, to target: Int, filter: ResamplingFilter) {
    let scale = Double(source) / Double(target)
    let filterScale = max(scale, 1)
    let support = filter.support * filterScale
    let stride = 2 * Int(support.rounded(.up)) + 1
    var (starts, counts): ([Int32], [Int32]) = ([], [])
    starts.reserveCapacity(target)
    counts.reserveCapacity(target)
    var weights = [Int32](repeating: 0, count: target * stride)
    var row = [Double](repeating: 0, count: stride)
    for position in 0..<target {
      let centre = (Double(position) + 0.5) * scale
      let low = max(Int(centre - support + 0.5), 0)
      let high = min(Int(centre + support + 0.5), source)
      var sum = 0.0
      for sample in low..<high {
        row[sample - low] = filter.weight((Double(sample) - centre + 0.5) / filterScale)
        sum += row[sample - low]
      }
      for tap in 0..<high - low {
        let weight = sum == 0 ? row[tap] : row[tap] / sum
        weights[position * stride + tap] = Int32(weight * Self.precision + (weight < 0 ? -0.5 : 0.5))
      }
      starts.append(Int32(low))
      counts.append(Int32(high - low))
    }
    count = target
    self.starts = starts
    self.counts = counts
    self.weights = weights
    self.stride = stride
  }

  /// Weighted sums of rows of `width` samples: `count` rows.
  func resampledRows(of samples: [UInt8], width: Int) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: count * width) { buffer, initialized in
      samples.withUnsafeBufferPointer {
        tk_resample_rows(
          Int64(count), Int64(width), $0.baseAddress, starts, counts, weights, Int64(stride),
          buffer.baseAddress)
      }
      initialized = count * width
    }
  }

  /// Weighted sums of the pixels of every row: `count` pixels a row.
  func resampledColumns(of samples: [UInt8], rows: Int, columns: Int) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: rows * count * 3) { buffer, initialized in
      let scratch = Int(TK_RESAMPLE_STRIP) * 3 * (columns + count)
      withUnsafeTemporaryAllocation(of: UInt8.self, capacity: scratch) { scratch in
        samples.withUnsafeBufferPointer {
          tk_resample_columns(
            Int64(rows), Int64(columns), 3, $0.baseAddress, Int64(count), starts, counts, weights,
            Int64(stride), scratch.baseAddress, buffer.baseAddress)
        }
      }
      initialized = rows * count * 3
    }
  }

  private struct Key: Hashable {
    var source: Int
    var target: Int
    var filter: ResamplingFilter
  }

  /// Tables of the sizes seen last; pictures of one data set share a few.
  private static let known = Mutex<[Key: ResamplingTable]>([:])

  /// A table, computed once for as long as few others are asked for.
  static func shared(from source: Int, to target: Int, filter: ResamplingFilter) -> ResamplingTable {
    let key = Key(source: source, target: target, filter: filter)
    if let table = known.withLock({ $0[key] }) { return table }
    let table = ResamplingTable(from: source, to: target, filter: filter)
    known.withLock {
      if $0.count >= 256 { $0.removeAll() }
      $0[key] = table
    }
    return table
  }
}
