/// A sum of products in Einstein's notation, such as `einsum("bhqd,bhkd->bhqk", q, k)`.
///
/// Letters name axes: a letter that does not appear behind the arrow is summed over, a letter that appears
/// twice in one operand takes the diagonal. Operands are multiplied from left to right as batched matrix
/// products.
/// - Parameters:
///   - equation: one group of letters for each operand, and after `->` the letters of the result; without
///     `->` the letters that occur once, in alphabetical order, as in NumPy.
///   - operands: one tensor for each group.
/// - Precondition: the groups fit the operands and every letter has one extent.
public func einsum(_ equation: String, _ operands: Tensor...) -> Tensor { einsum(equation, operands) }

/// A sum of products of a list of operands; see ``einsum(_:_:)-(_,Tensor...)``.
public func einsum(_ equation: String, _ operands: [Tensor]) -> Tensor {
  let text = equation.filter { !$0.isWhitespace }
  let sides = text.split(separator: "-", omittingEmptySubsequences: false)
  let groups = sides[0].split(separator: ",", omittingEmptySubsequences: false).map(Array.init)
  tensorRequire(
    groups.count == operands.count && sides.count <= 2 && (sides.count == 1 || sides[1].first == ">"),
    "einsum",
    "\"\(equation)\" does not describe \(operands.count) operands")
  var terms: [(axes: [Character], tensor: Tensor)] = []
  var extents: [Character: Int] = [:]
  for (axes, tensor) in zip(groups, operands) {
    tensorRequire(
      axes.count == tensor.rank && axes.allSatisfy(\.isLetter), "einsum",
      "\"\(String(axes))\" does not describe shape \(tensor.shape)")
    for (letter, extent) in zip(axes, tensor.shape) {
      let known = extents[letter] ?? extent
      tensorRequire(known == extent, "einsum", "\(letter) is \(known) and \(extent) in \"\(equation)\"")
      extents[letter] = extent
    }
    terms.append(einsumDiagonals(axes, tensor))
  }
  let occurrences = groups.joined().reduce(into: [Character: Int]()) { $0[$1, default: 0] += 1 }
  let output =
    sides.count == 2 ? Array(sides[1].dropFirst()) : occurrences.keys.filter { occurrences[$0] == 1 }.sorted()
  tensorRequire(
    Set(output).count == output.count && output.allSatisfy { extents[$0] != nil }, "einsum",
    "the result \"\(String(output))\" of \"\(equation)\" has letters that no operand has, or one twice")
  var result = terms.removeFirst()
  while !terms.isEmpty {
    let next = terms.removeFirst()
    let needed = Set(output).union(terms.flatMap(\.axes))
    result = einsumContract(result, next, keeping: needed)
  }
  result = einsumSum(result, keeping: Set(output))
  return result.tensor.permuted(output.map { result.axes.firstIndex(of: $0)! })
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
