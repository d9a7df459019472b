/// Parameters with a rate and a weight decay of their own: an entry of PyTorch's `param_groups`.
///
///     let all = model.trainableParameters()
///     let head = ParameterGroup(all.filter { $0.name.hasPrefix("head.") }, learningRateFactor: 10)
///     let rest = ParameterGroup(all.filter { !$0.name.hasPrefix("head.") }, weightDecay: 0)
///     optimizer.step([head, rest], loss.backward())
///
/// What an optimizer remembers belongs to the parameter, not to the group: a parameter may change its group
/// between steps, and a saved state knows nothing of groups.
public struct ParameterGroup {
  /// The parameters, under the names in which their state is saved.
  public var parameters: [NamedParameter]
  /// Multiplies the optimizer's ``Optimizer/learningRate``, so that a schedule of the one rate goes for all.
  /// PyTorch's `lr` of a group is this factor times the common rate.
  public var learningRateFactor: Double
  /// In place of the optimizer's ``Optimizer/weightDecay``; nil for the optimizer's own.
  public var weightDecay: Double?

  /// A group of parameters.
  public init(_ parameters: [NamedParameter], learningRateFactor: Double = 1, weightDecay: Double? = nil) {
    self.parameters = parameters
    self.learningRateFactor = learningRateFactor
    self.weightDecay = weightDecay
  }
}

/// The library's own optimizers, whose steps are counted in one place.
protocol StatefulOptimizer: Optimizer {
  var state: OptimizerState { get set }
}

extension Optimizer {
  /// One step of all groups, each with its rate and decay, after which the optimizer's own are as before.
  ///
  /// It is a ``step(_:_:gradientScale:isDecayed:)`` for each group that counts as one. (An optimizer from
  /// outside of the library counts its groups, unless it counts otherwise.)
  ///
  /// Fails with a ``TensorError`` where a parameter is in two groups, or a factor or decay is no finite
  /// number of at least 0.
  public func step(
    _ groups: [ParameterGroup], _ gradients: Gradients, gradientScale: Double = 1,
    isDecayed: (NamedParameter) -> Bool = { _ in true }
  ) {
    var places: [UInt64: Int] = [:]
    for (index, group) in groups.enumerated() {
      for (name, number) in [("factor", group.learningRateFactor), ("weight decay", group.weightDecay ?? 0)] {
        tensorRequire(
          number >= 0 && number.isFinite, "step",
          "the \(name) of group \(index) must be finite and not negative, found \(number)")
      }
      for (name, parameter) in group.parameters {
        let other = places.updateValue(index, forKey: parameter.identity) ?? index
        tensorRequire(
          other == index, "step",
          "\(name), a parameter of shape \(parameter.shape), is in groups \(other) and \(index)")
      }
    }
    let (rate, decay) = (learningRate, weightDecay)
    defer { (learningRate, weightDecay) = (rate, decay) }
    for group in groups {
      learningRate = rate * group.learningRateFactor
      weightDecay = group.weightDecay ?? decay
      step(group.parameters, gradients, gradientScale: gradientScale, isDecayed: isDecayed)
    }
    (self as? any StatefulOptimizer)?.state.countAsOneStep(groups.count)
  }
}
