import Ranks
import Tensor

/// The gradients of a step, added up over micro-batches and ranks.
///
/// Alone, a process adds them as they come. Ranks put those of all trained parameters into one buffer, which
/// is added in the order of ranks (``OrderedSum``): micro-batch after micro-batch, with the bits that one
/// process would have. Behind the gradients stands for each parameter whether it has one: one that no
/// micro-batch reaches is not a gradient of zeros, which would be decayed.
struct GradientSum {
  private let parameters: [NamedParameter]
  private var ordered: OrderedSum?
  private var own = Gradients()

  /// - Parameter parameters: those that are trained; one that is listed twice counts once.
  /// - Throws: `RankError` for parameters that cannot be sent.
  init(_ parameters: [NamedParameter], over team: RankTeam) throws {
    guard !team.isAlone else {
      self.parameters = []
      return
    }
    var seen = Set<UInt64>()
    self.parameters = parameters.filter { seen.insert($0.parameter.identity).inserted }
    if let other = self.parameters.first(where: { $0.parameter.dtype != .float32 }) {
      throw RankError.refused(
        "\(other.name): found weights of \(other.parameter.dtype) to train, expected float32 over ranks"
      )
    }
    ordered = try OrderedSum(Self.length(self.parameters), over: team.group)
  }

  /// Elements of the buffer.
  private static func length(_ parameters: [NamedParameter]) -> Int {
    parameters.reduce(parameters.count) { $0 + $1.parameter.count }
  }

  /// Adds the gradients of one micro-batch; of ranks, one of each. None where nothing was left for this rank.
  /// - Throws: `RankError`.
  mutating func add(_ gradients: Gradients) throws {
    guard ordered != nil else { return own.add(gradients) }
    var buffer: [Float] = []
    buffer.reserveCapacity(Self.length(parameters))
    var isThere: [Float] = []
    for (_, parameter) in parameters {
      let gradient = gradients[parameter]
      isThere.append(gradient == nil ? 0 : 1)
      if let gradient {
        buffer += gradient.detached().array(of: Float.self)
      } else {
        buffer += repeatElement(OrderedSum.nothing, count: parameter.count)
      }
    }
    buffer += isThere
    try ordered?.add(buffer)
  }

  /// The sum, the same on every rank.
  /// - Throws: `RankError`.
  func total() throws -> Gradients {
    guard let ordered else { return own }
    let all = try ordered.total()
    var gradients = Gradients()
    var start = 0
    let flags = all.count - parameters.count
    for (index, (_, parameter)) in parameters.enumerated() {
      let end = start + parameter.count
      if all[flags + index] > 0 {
        gradients[parameter] = Tensor(Array(all[start..<end])).reshaped(parameter.shape)
      }
      start = end
    }
    return gradients
  }
}
