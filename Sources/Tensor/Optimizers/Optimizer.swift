/// Changes parameters by their gradients.
///
/// What an optimizer remembers belongs to the ``Parameter``; names only say what it is called in a file. So
/// two models whose parameters have the same names may share an optimizer, and a parameter that is listed
/// twice, because layers share it, is changed once. All follow PyTorch's formulas, defaults and names of
/// state.
///
/// The state of a parameter has its type, and Float32 for parameters in half precision: these are changed
/// through a Float32 copy of their own, the slot `master_param`, and then rounded, so that small steps add
/// up. When a parameter is converted to another type between steps, its state follows.
///
/// Parameters with a rate or decay of their own are stepped in groups; see ``ParameterGroup``.
///
///     let optimizer: any Optimizer = RMSprop(learningRate: 1e-3)
///     optimizer.step(model.trainableParameters(), loss.backward())
public protocol Optimizer: AnyObject {
  /// The step size; set it before every step when a schedule is in use.
  var learningRate: Double { get set }

  /// How strongly a step draws parameters towards zero; each optimizer says how it does.
  var weightDecay: Double { get set }

  /// The number of steps taken.
  var stepCount: Int { get }

  /// Changes every parameter that has a gradient; the others are left alone, decay included.
  /// - Parameters:
  ///   - parameters: the parameters with the names under which their state is saved.
  ///   - gradients: their gradients.
  ///   - gradientScale: multiplies every gradient first, as clipping and accumulation need.
  ///   - isDecayed: whether weight decay applies to a parameter.
  func step(
    _ parameters: [NamedParameter], _ gradients: Gradients, gradientScale: Double,
    isDecayed: (NamedParameter) -> Bool)

  /// Everything a checkpoint needs, sorted by parameter: `<parameter>.<slot>` for every slot, such as
  /// `exp_avg`, and `<parameter>.step`, as PyTorch names them. A parameter has the name that it had in the
  /// latest step.
  /// - Precondition: no two parameters have the same name.
  func namedState() -> [(name: String, tensor: Tensor)]

  /// Takes over a state saved by ``namedState()``. Slots of another floating-point type are converted to that
  /// of the state.
  /// - Throws: ``TensorError`` when an entry is missing, belongs to no parameter or does not fit its own, and
  ///   when two parameters have the same name; the optimizer is then as before.
  func load(state: [(name: String, tensor: Tensor)], stepCount: Int, parameters: [NamedParameter]) throws
}

extension Optimizer {
  /// Changes every parameter that has a gradient, with decay for all of them.
  public func step(_ parameters: [NamedParameter], _ gradients: Gradients, gradientScale: Double = 1) {
    step(parameters, gradients, gradientScale: gradientScale, isDecayed: { _ in true })
  }
}
