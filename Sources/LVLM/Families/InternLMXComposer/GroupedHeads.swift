import Tensor

/// How InternLM2 packs queries, keys and values into the rows of one matrix, `wqkv`: group by group, the
/// query heads of a group, then the one key head and the one value head that they share.
package struct GroupedHeads: Equatable, Sendable {
  /// Query heads.
  package var heads: Int
  /// Key heads, and value heads.
  package var groups: Int
  /// Components of a head.
  package var size: Int

  /// - Precondition: the heads are a whole number for each group.
  package init(heads: Int, groups: Int, size: Int) {
    tensorRequire(
      groups > 0 && heads % groups == 0, "GroupedHeads", "found \(heads) heads in \(groups) groups")
    (self.heads, self.groups, self.size) = (heads, groups, size)
  }

  /// Query heads that share a key head.
  package var queriesPerGroup: Int { heads / groups }
  /// Rows of the packed matrix.
  package var rowCount: Int { (heads + 2 * groups) * size }

  /// Takes apart what the packed matrix gives, `[rows, packed]`.
  /// - Returns: queries `[rows, heads, size]`, keys and values `[rows, groups, size]`.
  package func split(_ packed: Tensor) -> (queries: Tensor, keys: Tensor, values: Tensor) {
    let (rows, own) = (packed.shape[0], queriesPerGroup)
    let blocks = packed.reshaped([rows, groups, own + 2, size])
    func heads(_ range: Range<Int>) -> Tensor {
      blocks.slice(axis: 2, range).reshaped([rows, groups * range.count, size])
    }
    return (heads(0..<own), heads(own..<own + 1), heads(own + 1..<own + 2))
  }
}
