import Tensor

extension VisionLanguageModel {
  /// Whether the model has adapters.
  public var hasAdapters: Bool { !adapters.isEmpty }

  /// Width of the adapters, nil without any.
  public var adapterRank: Int? { adapters.first?.rank }

  /// The numerator of the adapters' scale, nil without any.
  public var adapterAlpha: Double? { adapters.first?.alpha }

  /// Whether adapters take part; off, the model is the one they were put on (the reference of DPO).
  public var isAdapterEnabled: Bool {
    get { adapters.first?.isAdapterEnabled ?? false }
    set { for adapter in adapters { adapter.isAdapterEnabled = newValue } }
  }

  /// Runs `body` with the adapters off, and leaves them as they were.
  public func withoutAdapters<Result>(_ body: () throws -> Result) rethrows -> Result {
    let wereEnabled = isAdapterEnabled
    isAdapterEnabled = false
    defer { isAdapterEnabled = wereEnabled }
    return try body()
  }

  /// Names of the linear layers of a block of a LLaMA, in the order in which they are visited.
  public static let linearNames = [
    "q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj",
  ]

  /// Names of the linear layers of a block of this model's decoder, in the order in which they are visited.
  public var linearNames: [String] { configuration.text.family.blockNames.linears }

  /// Puts a low-rank adapter on linear layers of the decoder's blocks and freezes the decoder itself.
  ///
  /// A is random, B zero: the model computes what it did before. (Hu et al. 2021, arXiv:2106.09685; LLaVA's
  /// targets.)
  /// - Parameters:
  ///   - rank: width of the adapters.
  ///   - alpha: their scale is `alpha / rank`.
  ///   - targets: which layers carry one, by LLaMA's names or this decoder's own; all of them when nil. One
  ///     matrix for queries, keys and values carries one where any of the three is named.
  ///   - decomposesWeights: whether lengths of rows are learned for themselves (Liu et al. 2024,
  ///     arXiv:2402.09353).
  /// - Precondition: the model has no adapters yet.
  public func applyLoRA(
    rank: Int, alpha: Double, targets: Set<String>? = nil, decomposesWeights: Bool = false,
    using generator: inout RandomGenerator
  ) {
    let targets = Set((targets ?? Set(linearNames)).map(ownName))
    applyLoRA(decomposesWeights: decomposesWeights, using: &generator) { module in
      module.hasPrefix("language_model.") && targets.contains(String(module.split(separator: ".").last ?? ""))
        ? (rank, alpha) : nil
    }
  }

  /// What this decoder calls a layer that LLaMA has too.
  private func ownName(_ name: String) -> String {
    guard !linearNames.contains(name), let place = Self.linearNames.firstIndex(of: name) else { return name }
    let packed = Self.linearNames.count - linearNames.count
    return linearNames[max(0, place - packed)]
  }

  /// As ``applyLoRA(rank:alpha:targets:decomposesWeights:using:)``, with a width and a numerator for each
  /// layer, which may be one of the vision encoder or of the connector too.
  ///
  /// - Parameter scaling: those of a layer, by its name among ``namedParameters()``; nil for none.
  func applyLoRA(
    decomposesWeights: Bool = false, using generator: inout RandomGenerator,
    scaling: (_ module: String) -> (rank: Int, alpha: Double)?
  ) {
    tensorRequire(adapters.isEmpty, "applyLoRA", "the model has adapters already")
    decoder.setTrainable(false)
    let names = Dictionary(
      namedParameters().map { (ObjectIdentifier($0.parameter), $0.name) },
      uniquingKeysWith: { first, _ in first })
    replaceLinears { linear in
      guard let name = names[ObjectIdentifier(linear.weight)],
        let (rank, alpha) = scaling(String(name.dropLast(".weight".count)))
      else { return linear }
      let adapter = LoRALinear(
        base: linear, rank: rank, alpha: alpha, decomposesWeight: decomposesWeights, using: &generator)
      adapters.append(adapter)
      return adapter
    }
  }

  /// The adapters with the names of the layers that carry them.
  var adapterModules: [(name: String, adapter: LoRALinear)] {
    let names = Dictionary(
      namedParameters().map { (ObjectIdentifier($0.parameter), $0.name) },
      uniquingKeysWith: { first, _ in first })
    return adapters.compactMap { adapter in
      names[ObjectIdentifier(adapter.loraA)].map { (String($0.dropLast(".lora_A.weight".count)), adapter) }
    }
  }

  /// Adds every adapter to the weights beneath it and takes it off; quantised weights become Float32.
  public func mergeAdapters() {
    replaceLinears { linear in
      guard let adapter = linear as? LoRALinear else { return linear }
      guard adapter.base is QuantizedLinear else {
        adapter.weight.tensor = adapter.mergedWeight()
        return adapter.base
      }
      return Linear(weight: Parameter(adapter.mergedWeight(), isTrainable: false), bias: adapter.bias)
    }
    adapters = []
  }

  /// Takes every adapter off and leaves the weights beneath as they are.
  public func removeAdapters() {
    replaceLinears { linear in
      (linear as? LoRALinear)?.base ?? linear
    }
    adapters = []
  }
}
