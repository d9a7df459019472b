extension RGBImage {
  /// The picture at another size, with antialiasing when it gets smaller: the same bytes as Pillow's
  /// `Image.resize` (8-bit intermediate, fixed-point weights). Columns are done first where that takes away more
  /// than twice as many rows as there are columns to take away, as in Pillow 13; else rows are.
  /// - Precondition: both sides are positive.
  public func resized(
    width newWidth: Int, height newHeight: Int, filter: ResamplingFilter = .bicubic
  ) -> RGBImage {
    precondition(newWidth > 0 && newHeight > 0, "resized: \(newWidth)x\(newHeight) has no pixels")
    if newWidth == width && newHeight == height { return self }
    if filter == .nearest { return nearest(newWidth, newHeight) }
    if newWidth == width { return resizedColumns(to: newHeight, filter) }
    if newHeight == height { return resizedRows(to: newWidth, filter) }
    if height - newHeight > max(0, 2 * (width - newWidth)) {
      return resizedColumns(to: newHeight, filter).resizedRows(to: newWidth, filter)
    }
    return resizedRows(to: newWidth, filter).resizedColumns(to: newHeight, filter)
  }

  /// The picture scaled so that it just fits into a square of `side` pixels: aspect kept, the free side
  /// truncated to an integer but at least 1 (MIA-DPO's rule for grid cells).
  public func fitted(into side: Int, filter: ResamplingFilter = .lanczos) -> RGBImage {
    let aspect = Double(width) / Double(height)
    return aspect > 1
      ? resized(width: side, height: max(1, Int(Double(side) / aspect)), filter: filter)
      : resized(width: max(1, Int(Double(side) * aspect)), height: side, filter: filter)
  }

  private func nearest(_ newWidth: Int, _ newHeight: Int) -> RGBImage {
    let columns = nearestSamples(from: width, to: newWidth)
    let rows = nearestSamples(from: height, to: newHeight)
    let samples = [UInt8](unsafeUninitializedCapacity: newWidth * newHeight * 3) { buffer, count in
      for row in rows {
        for column in columns {
          let start = (row * width + column) * 3
          buffer[count] = pixels[start]
          buffer[count + 1] = pixels[start + 1]
          buffer[count + 2] = pixels[start + 2]
          count += 3
        }
      }
    }
    return RGBImage(width: newWidth, height: newHeight, pixels: samples)
  }

  private func resizedRows(to newWidth: Int, _ filter: ResamplingFilter) -> RGBImage {
    let table = ResamplingTable(from: width, to: newWidth, filter: filter)
    let half: Int32 = 1 << (ResamplingTable.precision - 1)
    let samples = [UInt8](unsafeUninitializedCapacity: newWidth * height * 3) { buffer, count in
      pixels.withUnsafeBufferPointer { source in
        table.weights.withUnsafeBufferPointer { weights in
          var output = 0
          for y in 0..<height {
            let row = y * width
            for x in 0..<newWidth {
              var (red, green, blue) = (half, half, half)
              var at = (row + table.starts[x]) * 3
              let first = x * table.stride
              for index in first..<first + table.counts[x] {
                let weight = weights[index]
                red &+= Int32(source[at]) &* weight
                green &+= Int32(source[at + 1]) &* weight
                blue &+= Int32(source[at + 2]) &* weight
                at += 3
              }
              buffer[output] = UInt8(clamping: red >> ResamplingTable.precision)
              buffer[output + 1] = UInt8(clamping: green >> ResamplingTable.precision)
              buffer[output + 2] = UInt8(clamping: blue >> ResamplingTable.precision)
              output += 3
            }
          }
          count = output
        }
      }
    }
    return RGBImage(width: newWidth, height: height, pixels: samples)
  }

  private func resizedColumns(to newHeight: Int, _ filter: ResamplingFilter) -> RGBImage {
    let table = ResamplingTable(from: height, to: newHeight, filter: filter)
    let row = width * 3
    let half: Int32 = 1 << (ResamplingTable.precision - 1)
    var sums = [Int32](repeating: 0, count: row)
    let samples = [UInt8](unsafeUninitializedCapacity: row * newHeight) { buffer, count in
      pixels.withUnsafeBufferPointer { source in
        sums.withUnsafeMutableBufferPointer { sums in
          for y in 0..<newHeight {
            sums.update(repeating: half)
            for tap in 0..<table.counts[y] {
              let weight = table.weights[y * table.stride + tap]
              let start = source.baseAddress! + (table.starts[y] + tap) * row
              for column in 0..<row { sums[column] &+= Int32(start[column]) &* weight }
            }
            let output = buffer.baseAddress! + y * row
            for column in 0..<row {
              output[column] = UInt8(clamping: sums[column] >> ResamplingTable.precision)
            }
          }
        }
      }
      count = row * newHeight
    }
    return RGBImage(width: width, height: newHeight, pixels: samples)
  }
}

/// The source sample nearest to the centre of each output sample; positions are summed up as Pillow does.
private func nearestSamples(from source: Int, to target: Int) -> [Int] {
  let step = Double(source) / Double(target)
  var position = step * 0.5
  return (0..<target).map { _ in
    defer { position += step }
    return min(Int(position), source - 1)
  }
}
