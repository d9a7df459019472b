import Tensor

extension RGBImage {
  /// The picture at another size, with antialiasing when it gets smaller: the same bytes as Pillow's
  /// `Image.resize` (8-bit intermediate, fixed-point weights). Columns are done first where that takes away
  /// more than twice as many rows as there are columns to take away, as in Pillow 13; else rows are.
  /// - Precondition: both sides are positive.
  public func resized(
    width newWidth: Int, height newHeight: Int, filter: ResamplingFilter = .bicubic
  ) -> RGBImage {
    tensorRequire(
      newWidth > 0 && newHeight > 0
        && Tensor.elementCount([newWidth, newHeight, 3]).map { $0 < 1 << 40 } ?? false,
      "resized", "\(newWidth)x\(newHeight) has no pixels, or more than fit into memory")
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
    let table = ResamplingTable.shared(from: width, to: newWidth, filter: filter)
    return RGBImage(
      width: newWidth, height: height,
      pixels: table.resampledColumns(of: pixels, rows: height, columns: width))
  }

  private func resizedColumns(to newHeight: Int, _ filter: ResamplingFilter) -> RGBImage {
    let table = ResamplingTable.shared(from: height, to: newHeight, filter: filter)
    return RGBImage(
      width: width, height: newHeight, pixels: table.resampledRows(of: pixels, width: width * 3))
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
