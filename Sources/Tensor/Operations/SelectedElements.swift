import CTensorKernels

/// The places at which a contiguous bool tensor is true, counted once: pieces of it are then worked on
/// independently.
struct SelectedElements {
  private let flags: Tensor
  private let pieces: [Range<Int>]
  /// How many are true before each piece, and in all at the end.
  private let starts: [Int]

  /// - Parameter mask: bool, of any layout; C order counts.
  init(_ mask: Tensor) {
    flags = mask.detached().contiguous()
    let length = 1 << 15
    pieces = stride(from: 0, to: flags.count, by: length).map { [count = flags.count] in
      $0..<Swift.min($0 + length, count)
    }
    let source = flags.pointer(UInt8.self)
    var counts = [Int](repeating: 0, count: pieces.count)
    counts.withUnsafeMutableBufferPointer { [pieces] counts in
      nonisolated(unsafe) let counts = counts
      Threads.parallel(pieces.count, grain: 4) { range in
        for piece in range {
          counts[piece] = Int(tk_count_true(Int64(pieces[piece].count), source + pieces[piece].lowerBound))
        }
      }
    }
    starts = counts.reduce(into: [0]) { $0.append($0.last! + $1) }
  }

  /// How many are true.
  var count: Int { starts[starts.count - 1] }

  /// Calls `body` for each piece that has any, with where its share of the results begins. A kernel that
  /// writes without branches touches one element beyond its share, so that results go through a block of the
  /// piece's own.
  private func forEachPiece(
    size: Int, into output: UnsafeMutableRawPointer,
    _ body: (_ flags: UnsafePointer<UInt8>, _ piece: Range<Int>, _ block: UnsafeMutableRawPointer) -> Void
  ) {
    let source = flags.pointer(UInt8.self)
    Threads.parallel(pieces.count, grain: 4) { range in
      MemoryPool.withScratch(UInt8.self, count: (pieces[0].count + 1) * size) { scratch in
        let block = UnsafeMutableRawPointer(scratch)
        for piece in range where starts[piece + 1] > starts[piece] {
          body(source + pieces[piece].lowerBound, pieces[piece], block)
          (output + starts[piece] * size).copyMemory(
            from: block, byteCount: (starts[piece + 1] - starts[piece]) * size)
        }
      }
    }
  }

  /// Their numbers in C order, `[count]` of int64.
  func numbers() -> Tensor {
    let result = Tensor(uninitialized: [count], dtype: .int64)
    if count == 0 { return result }
    forEachPiece(size: 8, into: result.rawPointer) { flags, piece, block in
      _ = tk_true_positions(
        Int64(piece.count), flags, Int64(piece.lowerBound), block.assumingMemoryBound(to: Int64.self))
    }
    return result
  }

  /// The elements of `source`, which has as many as the mask, at these places: `[count]`.
  func elements(of source: Tensor) -> Tensor {
    let source = source.detached().contiguous()
    let result = Tensor(uninitialized: [count], dtype: source.dtype)
    if count == 0 { return result }
    let (size, input) = (source.dtype.byteSize, source.rawPointer)
    forEachPiece(size: size, into: result.rawPointer) { flags, piece, block in
      _ = tk_compress(Int32(size), Int64(piece.count), flags, input + piece.lowerBound * size, block)
    }
    return result
  }

  /// Their coordinates in a tensor of `shape`, `[count, rank]` of int64.
  func coordinates(in shape: [Int]) -> Tensor {
    let numbers = numbers()
    if shape.count == 1 { return numbers.reshaped([count, 1]) }
    let result = Tensor(uninitialized: [count, shape.count], dtype: .int64)
    if result.count == 0 { return result }
    let (input, output) = (numbers.pointer(Int64.self), result.pointer(Int64.self))
    let rank = shape.count
    let strides = Tensor.contiguousStrides(shape)
    Threads.parallel(count, grain: 1 << 13) { range in
      // Neighbours mostly lie in one row: the division is made once a row.
      var coordinates = [Int](repeating: 0, count: rank)
      var (low, high) = (0, 0)
      for i in range {
        let number = Int(input[i])
        if number < low || number >= high {
          var rest = number
          for axis in 0..<rank - 1 {
            (coordinates[axis], rest) = rest.quotientAndRemainder(dividingBy: strides[axis])
          }
          low = number - rest
          high = low + shape[rank - 1]
        }
        let place = output + i * rank
        for axis in 0..<rank - 1 { place[axis] = Int64(coordinates[axis]) }
        place[rank - 1] = Int64(number - low)
      }
    }
    return result
  }
}

extension Tensor {
  /// Where the elements are that are not zero, in C order: `[count, rank]` of int64 (PyTorch's `nonzero`).
  public func nonZero() -> Tensor {
    tensorOperation("nonZero") {
      SelectedElements(dtype == .bool ? self : detached() .!= 0).coordinates(in: shape)
    }
  }
}
