import Checkpoint
import Tensor

/// An optimizer or a schedule as the attributes of a stored case describe it.
enum OptimizerCases {
  /// The optimizer a case's name begins with, such as `adam` in `adam_amsgrad`, with the options in its
  /// attributes and PyTorch's defaults for the rest.
  /// - Throws: ``ConformanceError`` for an unknown optimizer, attribute or value.
  static func optimizer(_ name: String, _ attributes: [(name: String, value: HDF5Attribute)]) throws
    -> any Optimizer
  {
    var options = try Options(attributes)
    let optimizer: any Optimizer
    switch name.split(separator: "_").first.map(String.init) ?? name {
    case "adamw":
      optimizer = AdamW(
        learningRate: options.take("lr", 1e-3), beta1: options.take("beta1", 0.9),
        beta2: options.take("beta2", 0.999), epsilon: options.take("eps", 1e-8),
        weightDecay: options.take("weight_decay", 0.01), amsgrad: options.take("amsgrad", 0) != 0)
    case "adam", "amsgrad":
      optimizer = Adam(
        learningRate: options.take("lr", 1e-3), beta1: options.take("beta1", 0.9),
        beta2: options.take("beta2", 0.999), epsilon: options.take("eps", 1e-8),
        weightDecay: options.take("weight_decay", 0),
        amsgrad: options.take("amsgrad", name == "amsgrad" ? 1 : 0) != 0)
    case "sgd", "momentum", "nesterov":
      optimizer = SGD(
        learningRate: options.take("lr", 1e-3), momentum: options.take("momentum", 0),
        dampening: options.take("dampening", 0), weightDecay: options.take("weight_decay", 0),
        nesterov: options.take("nesterov", 0) != 0)
    case "rmsprop":
      optimizer = RMSprop(
        learningRate: options.take("lr", 1e-2), smoothing: options.take("alpha", 0.99),
        epsilon: options.take("eps", 1e-8), weightDecay: options.take("weight_decay", 0),
        momentum: options.take("momentum", 0), centered: options.take("centered", 0) != 0)
    case "adagrad":
      optimizer = Adagrad(
        learningRate: options.take("lr", 1e-2), learningRateDecay: options.take("lr_decay", 0),
        weightDecay: options.take("weight_decay", 0),
        initialAccumulator: options.take("initial_accumulator_value", 0), epsilon: options.take("eps", 1e-10))
    case "lion":
      optimizer = Lion(
        learningRate: options.take("lr", 1e-4), beta1: options.take("beta1", 0.9),
        beta2: options.take("beta2", 0.99), weightDecay: options.take("weight_decay", 0))
    default: throw ConformanceError("no such optimizer")
    }
    try options.requireEmpty()
    return optimizer
  }

  /// The schedule of a case, with the options in the attributes of its group.
  /// - Throws: ``ConformanceError`` for an unknown schedule, attribute or value.
  static func schedule(_ name: String, _ attributes: [(name: String, value: HDF5Attribute)]) throws
    -> LearningRateSchedule
  {
    guard let kind = LearningRateSchedule.Kind(rawValue: name) else {
      throw ConformanceError("no such schedule")
    }
    var options = try Options(attributes)
    let warmup = Int(options.take("warmup_steps", 0))
    let schedule = LearningRateSchedule(
      kind, peak: options.take("base_lr", 1), warmupSteps: kind == .constant ? 0 : warmup,
      totalSteps: Int(options.take("total_steps", 0)), cycles: Int(options.take("num_cycles", 1)),
      power: options.take("power", 1), finalRate: options.take("lr_end", 1e-7))
    try options.requireEmpty()
    return schedule
  }

  /// Attributes that have not been asked for yet.
  private struct Options {
    private var values: [String: Double] = [:]

    init(_ attributes: [(name: String, value: HDF5Attribute)]) throws {
      for (name, value) in attributes {
        switch value {
        case .integer(let number): values[name] = Double(number)
        case .real(let number): values[name] = number
        case .boolean(let truth): values[name] = truth ? 1 : 0
        default: throw ConformanceError("attribute `\(name)` is no number")
        }
      }
    }

    mutating func take(_ name: String, _ standard: Double) -> Double {
      values.removeValue(forKey: name) ?? standard
    }

    func requireEmpty() throws {
      guard values.isEmpty else {
        throw ConformanceError("unknown attributes \(values.keys.sorted().joined(separator: ", "))")
      }
    }
  }
}
