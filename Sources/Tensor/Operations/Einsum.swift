/// A sum of products in Einstein's notation, such as `einsum("bhqd,bhkd->bhqk", q, k)`.
///
/// Letters name axes: a letter that does not appear behind the arrow is summed over, a letter that appears
/// twice in one operand takes the diagonal. `...` stands for the axes of an operand that no letter names, as
/// in `"...ij,...jk->...ik"`: they are aligned at their ends and broadcast, and summed over when the result
/// does not name them. Operands are multiplied from left to right as batched matrix products.
/// - Parameters:
///   - equation: one group of letters for each operand, and after `->` the letters of the result; without
///     `->` what `...` stands for and the letters that occur once, in alphabetical order, as in NumPy.
///   - operands: one tensor for each group.
/// - Precondition: the groups fit the operands and every letter has one extent.
public func einsum(_ equation: String, _ operands: Tensor...) -> Tensor { einsum(equation, operands) }

/// A sum of products of a list of operands; see ``einsum(_:_:)-(_,Tensor...)``.
public func einsum(_ equation: String, _ operands: [Tensor]) -> Tensor {
  einsum(
    tensorChecked { () throws(TensorError) in try EinsumPlan(equation, operands.map(\.shape)) }, operands)
}

/// As ``einsum(_:_:)-(_,[Tensor])``, for equations and operands that come from data.
/// - Throws: ``TensorError`` when the groups do not fit the operands.
public func einsum(validating equation: String, _ operands: [Tensor]) throws(TensorError) -> Tensor {
  einsum(try EinsumPlan(equation, operands.map(\.shape)), operands)
}

/// The letters of an equation, checked against the shapes of its operands.
private struct EinsumPlan {
  var groups: [[Character]] = []
  var extents: [Character: Int] = [:]
  var output: [Character] = []

  init(_ equation: String, _ shapes: [[Int]]) throws(TensorError) {
    let text = equation.filter { !$0.isWhitespace }
    let sides = text.split(separator: "-", omittingEmptySubsequences: false)
    let written = sides[0].split(separator: ",", omittingEmptySubsequences: false)
    try tensorCheck(
      written.count == shapes.count && sides.count <= 2 && (sides.count == 1 || sides[1].first == ">"),
      "einsum",
      "\"\(equation)\" does not describe \(shapes.count) operands")
    for (group, shape) in zip(written, shapes) {
      let axes = einsumAxes(group, rank: shape.count)
      try tensorCheck(axes?.count == shape.count, "einsum", "\"\(group)\" does not describe shape \(shape)")
      groups.append(axes ?? [])
    }
    for (axes, shape) in zip(groups, shapes) {
      for (letter, extent) in zip(axes, shape) {
        let known = extents[letter] ?? extent
        let isBroadcast = !letter.isLetter && (known == 1 || extent == 1)
        try tensorCheck(
          known == extent || isBroadcast, "einsum",
          "\(letter.isLetter ? String(letter) : "an axis of ...") is \(known) and \(extent) in "
            + "\"\(equation)\""
        )
        extents[letter] = known == 1 ? extent : known
      }
    }
    let occurrences = groups.joined().reduce(into: [Character: Int]()) { $0[$1, default: 0] += 1 }
    let broadcast = einsumEllipsis(extents.keys.count { !$0.isLetter })
    let output =
      sides.count == 2
      ? einsumAxes(sides[1].dropFirst(), ellipsis: broadcast)
      : broadcast + occurrences.keys.filter { occurrences[$0] == 1 && $0.isLetter }.sorted()
    guard let output, Set(output).count == output.count, output.allSatisfy({ extents[$0] != nil }) else {
      throw TensorError(
        operation: "einsum",
        message:
          "the result \"\(sides.last?.dropFirst() ?? "")\" of \"\(equation)\" has letters that no operand "
          + "has, or one twice")
    }
    self.output = output
  }
}

private func einsum(_ plan: EinsumPlan, _ operands: [Tensor]) -> Tensor {
  let (groups, extents, output) = (plan.groups, plan.extents, plan.output)
  // An axis that is broadcast is left out: the other operands have it.
  var terms = zip(groups, operands).map { axes, tensor in
    let kept = axes.indices.filter { tensor.shape[$0] == extents[axes[$0]] }
    let narrow = kept.count == axes.count ? tensor : tensor.reshaped(kept.map { tensor.shape[$0] })
    return einsumDiagonals(kept.map { axes[$0] }, narrow)
  }
  var product = terms.removeFirst()
  while !terms.isEmpty {
    let next = terms.removeFirst()
    let needed = Set(output).union(terms.flatMap(\.axes))
    product = einsumContract(product, next, keeping: needed)
  }
  product = einsumSum(product, keeping: Set(output))
  return product.tensor.permuted(output.map { product.axes.firstIndex(of: $0)! })
}

/// Names for `count` axes that `...` stands for, counted from the last one: characters that are no letters.
private func einsumEllipsis(_ count: Int) -> [Character] {
  (0..<count).reversed().map { Character(Unicode.Scalar(0xE000 + UInt32($0)) ?? ".") }
}

/// The names of the axes of an operand; nil for a group that is malformed or has more letters than the
/// operand axes.
private func einsumAxes(_ group: Substring, rank: Int) -> [Character]? {
  let letters = group.count { $0.isLetter }
  return letters > rank ? nil : einsumAxes(group, ellipsis: einsumEllipsis(rank - letters))
}

/// The names of axes with `...` replaced by `ellipsis`; nil for a group that is malformed.
private func einsumAxes(_ group: Substring, ellipsis: [Character]) -> [Character]? {
  let parts = group.split(separator: "...", maxSplits: 1, omittingEmptySubsequences: false)
  guard parts.allSatisfy({ $0.allSatisfy(\.isLetter) }) else { return nil }
  return Array(parts.joined(separator: parts.count == 2 ? ellipsis : []))
}

/// Takes the diagonal for every letter that appears twice.
private func einsumDiagonals(_ axes: [Character], _ tensor: Tensor) -> (axes: [Character], tensor: Tensor) {
  var (axes, tensor) = (axes, tensor)
  while let second = axes.indices.first(where: { axes[..<$0].contains(axes[$0]) }) {
    let first = axes.firstIndex(of: axes[second])!
    tensor = tensor.diagonal(axis1: first, axis2: second)
    let letter = axes[second]
    axes.remove(at: second)
    axes.remove(at: first)
    axes.append(letter)
  }
  return (axes, tensor)
}

/// Sums over the letters that nothing behind needs.
private func einsumSum(
  _ term: (axes: [Character], tensor: Tensor), keeping needed: Set<Character>
) -> (axes: [Character], tensor: Tensor) {
  let summed = term.axes.indices.filter { !needed.contains(term.axes[$0]) }
  if summed.isEmpty { return term }
  return (term.axes.filter(needed.contains), term.tensor.sum(axes: summed))
}

/// The product of two terms, summed over the letters that nothing behind needs, as one batched matrix
/// product.
private func einsumContract(
  _ left: (axes: [Character], tensor: Tensor), _ right: (axes: [Character], tensor: Tensor),
  keeping needed: Set<Character>
) -> (axes: [Character], tensor: Tensor) {
  let a = einsumSum(left, keeping: needed.union(right.axes))
  let b = einsumSum(right, keeping: needed.union(left.axes))
  let batch = a.axes.filter { b.axes.contains($0) && needed.contains($0) }
  let inner = a.axes.filter { b.axes.contains($0) && !needed.contains($0) }
  let rows = a.axes.filter { !b.axes.contains($0) }
  let columns = b.axes.filter { !a.axes.contains($0) }
  func arranged(_ term: (axes: [Character], tensor: Tensor), _ groups: [[Character]]) -> Tensor {
    let moved = term.tensor.permuted(groups.joined().map { term.axes.firstIndex(of: $0)! })
    var start = 0
    let sizes = groups.map { group in
      defer { start += group.count }
      return moved.shape[start..<start + group.count].reduce(1, *)
    }
    return moved.reshaped(sizes)
  }
  let product = arranged(a, [batch, rows, inner]).matmul(arranged(b, [batch, inner, columns]))
  func extents(_ letters: [Character], _ term: (axes: [Character], tensor: Tensor)) -> [Int] {
    letters.map { term.tensor.shape[term.axes.firstIndex(of: $0)!] }
  }
  return (
    batch + rows + columns, product.reshaped(extents(batch, a) + extents(rows, a) + extents(columns, b))
  )
}
