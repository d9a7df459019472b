/// Nodes that are handed out latest first, each once: a binary heap ordered by number.
struct NodeQueue {
  private var heap: [GradientNode] = []

  /// - Complexity: O(log *n*).
  mutating func push(_ node: GradientNode) {
    heap.append(node)
    var child = heap.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      if heap[parent].number >= heap[child].number { return }
      heap.swapAt(parent, child)
      child = parent
    }
  }

  /// Takes out the latest node and every other entry of it; nil when nothing is left.
  /// - Complexity: O(log *n*) for each entry.
  mutating func popLatest() -> GradientNode? {
    guard let latest = heap.first else { return nil }
    repeat { removeFirst() } while heap.first === latest
    return latest
  }

  private mutating func removeFirst() {
    let last = heap.removeLast()
    if heap.isEmpty { return }
    heap[0] = last
    var parent = 0
    while 2 * parent + 1 < heap.count {
      var child = 2 * parent + 1
      if child + 1 < heap.count && heap[child + 1].number > heap[child].number { child += 1 }
      if heap[parent].number >= heap[child].number { return }
      heap.swapAt(parent, child)
      parent = child
    }
  }
}

extension RandomAccessCollection where Index == Int {
  /// The position of a number among elements in descending order of theirs: where it is, or where it belongs.
  /// - Complexity: O(log *n*).
  func position(of number: UInt64, in numberOf: (Element) -> UInt64) -> (index: Int, isThere: Bool) {
    var (low, high) = (startIndex, endIndex)
    while low < high {
      let middle = low + (high - low) / 2
      if numberOf(self[middle]) > number { low = middle + 1 } else { high = middle }
    }
    return (low, low < endIndex && numberOf(self[low]) == number)
  }
}
