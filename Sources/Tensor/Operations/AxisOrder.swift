extension Tensor {
  /// A view with some axes at other places, the others in their order, NumPy's `moveaxis`: axis `axes[i]` of
  /// this tensor is axis `places[i]` of the result.
  public func moved(axes: [Int], to places: [Int]) -> Tensor {
    let from = axes.map { normalizedAxis($0, "moved") }
    let to = places.map { normalizedAxis($0, "moved") }
    tensorRequire(
      from.count == to.count && Set(from).count == from.count && Set(to).count == to.count, "moved",
      "axes \(axes) of shape \(shape) cannot be moved to \(places): both must name as many, each once")
    var rest = shape.indices.filter { !from.contains($0) }[...]
    return permuted(
      shape.indices.map { place in to.firstIndex(of: place).map { from[$0] } ?? rest.removeFirst() })
  }

  /// A view with one axis at another place; see ``moved(axes:to:)``.
  public func moved(axis: Int, to place: Int) -> Tensor { moved(axes: [axis], to: [place]) }
}
