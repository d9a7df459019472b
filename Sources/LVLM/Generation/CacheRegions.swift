/// Which rows of a cache belong to whom: ranges that are taken and given back, the first that fits.
struct CacheRegions {
  private let capacity: Int
  /// Taken ranges, ascending.
  private var taken: [Range<Int>] = []

  init(capacity: Int) { self.capacity = capacity }

  /// Where so many rows would go; nil where there is no room.
  func next(_ count: Int) -> Int? {
    var start = 0
    for range in taken {
      if range.lowerBound - start >= count { return start }
      start = range.upperBound
    }
    return capacity - start >= count ? start : nil
  }

  /// Takes so many rows.
  /// - Returns: the first; nil where there is no room.
  mutating func take(_ count: Int) -> Int? {
    guard let start = next(count) else { return nil }
    let place = taken.firstIndex { $0.lowerBound >= start + count } ?? taken.count
    taken.insert(start..<start + count, at: place)
    return start
  }

  /// Gives back the rows that begin at `start`.
  mutating func release(_ start: Int) { taken.removeAll { $0.lowerBound == start } }
}
