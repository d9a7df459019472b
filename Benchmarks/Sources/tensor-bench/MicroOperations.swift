import Tensor

/// Single operations at the shapes of the models, by name; `peers/micro.py` has the same.
enum MicroOperations {
  typealias Operation = () -> Void

  /// Builds the operands of an operation and returns what to time; nil for an unknown name.
  /// - Parameter rows: takes the place of the number of rows of elementwise operations, softmax and norms.
  static func operation(_ name: String, rows: Int? = nil) -> Operation? {
    let (wide, tall) = (rows ?? 2048, rows ?? 3472)
    var generator = RandomGenerator(seed: 2)
    func random(_ shape: Int...) -> Tensor { Tensor.randomNormal(shape, using: &generator) }
    func linearCase(_ rows: Int, _ inputs: Int, _ outputs: Int) -> ([Tensor], ([Tensor]) -> Tensor) {
      ([random(rows, inputs), random(outputs, inputs)], { linear($0[0], weight: $0[1]) })
    }
    func sdpa(_ batch: Int, _ tokens: Int) -> ([Tensor], ([Tensor]) -> Tensor) {
      let layout = AttentionLayout.causal([Int](repeating: tokens, count: batch))
      let rows = batch * tokens
      return (
        [random(rows, 8, 64), random(rows, 8, 64), random(rows, 8, 64)],
        { attention(query: $0[0], key: $0[1], value: $0[2], layout: layout) }
      )
    }
    func crossEntropyCase(_ rows: Int, _ classes: Int) -> ([Tensor], ([Tensor]) -> Tensor) {
      let targets = Tensor((0..<rows).map { Int32(($0 * 7919) % classes) })
      return ([random(rows, classes)], { crossEntropy($0[0], targets: targets) })
    }
    func patches(_ images: Int, _ pixels: Int, _ width: Int) -> ([Tensor], ([Tensor]) -> Tensor) {
      (
        [random(images, 3, pixels, pixels), random(width, 3, 14, 14)],
        { conv2d($0[0], weight: $0[1], stride: (14, 14)) }
      )
    }
    if name.hasPrefix("product ") {
      // product KIND MxNxK, y = x Wᵀ
      let words = name.split(separator: " ")
      let sizes = words.last?.split(separator: "x").compactMap { Int($0) } ?? []
      guard words.count == 3, sizes.count == 3 else { return nil }
      let (x, w) = (random(sizes[0], sizes[2]), random(sizes[1], sizes[2]))
      switch words[1] {
      case "openblas": return OpenBLASProduct(x, w, isTransposed: true)?.run
      case "float32": return { _ = linear(x, weight: w) }
      case "rounded": return { _ = withFloat32MatmulPrecision(.medium) { linear(x, weight: w) } }
      default: return nil
      }
    }
    if let size = name.split(separator: " ").last.flatMap({ Int($0) }), !name.hasPrefix("conv") {
      let (a, b) = (random(size, size), random(size, size))
      if name.hasPrefix("matmul ") { return { _ = a.matmul(b) } }
      if name.hasPrefix("openblas ") { return OpenBLASProduct(a, b)?.run }
    }
    var base = name
    let trains = name.hasSuffix(" fwd+bwd")
    if trains { base.removeLast(8) }
    let positions = (0..<tall).map { Int32($0 % 434) }
    let ids = (0..<3472).map { Int32(($0 * 7919) % 4096) }
    let (operands, function): ([Tensor], ([Tensor]) -> Tensor)
    if base.hasPrefix("conv") {
      guard let made = convolution(base, random: { Tensor.randomNormal($0, using: &generator) }) else {
        return nil
      }
      (operands, function) = made
      return timed(operands, function, trains: trains, using: &generator)
    }
    switch base {
    case "linear decode b1 1x512x1376": (operands, function) = linearCase(1, 512, 1376)
    case "linear decode b8 8x512x1376": (operands, function) = linearCase(8, 512, 1376)
    case "linear qkvo 2048x512x512": (operands, function) = linearCase(2048, 512, 512)
    case "linear ffn up 2048x512x1376": (operands, function) = linearCase(2048, 512, 1376)
    case "linear ffn down 2048x1376x512": (operands, function) = linearCase(2048, 1376, 512)
    case "linear lm head 2048x512x4096": (operands, function) = linearCase(2048, 512, 4096)
    case "bmm 64x(434x64 @ 64x434)":
      (operands, function) = ([random(64, 434, 64), random(64, 64, 434)], { $0[0].matmul($0[1]) })
    case "softmax 64x434x434":
      (operands, function) = ([rows.map { random(1, $0, 434) } ?? random(64, 434, 434)], { $0[0].softmax() })
    case "layernorm 3472x512":
      (operands, function) = (
        [random(tall, 512), random(512), random(512)], { layerNorm($0[0], weight: $0[1], bias: $0[2]) }
      )
    case "rmsnorm 3472x512":
      (operands, function) = ([random(tall, 512), random(512)], { rmsNorm($0[0], weight: $0[1]) })
    case "rope 8x8x434x64":
      (operands, function) = ([random(tall, 8, 64)], { rotary($0[0], positions: positions) })
    case "sdpa causal 8x8x434x64": (operands, function) = sdpa(8, 434)
    case "sdpa causal 1x8x512x64": (operands, function) = sdpa(1, 512)
    case "sdpa causal 1x8x2048x64": (operands, function) = sdpa(1, 2048)
    case "silu*mul 2048x1376":
      (operands, function) = ([random(wide, 1376), random(wide, 1376)], { swiGLU($0[0], $0[1]) })
    case "gelu erf 2048x1376": (operands, function) = ([random(wide, 1376)], { $0[0].gelu() })
    case "gelu tanh 2048x1376": (operands, function) = ([random(wide, 1376)], { $0[0].geluTanh() })
    case "exp 2048x1376": (operands, function) = ([random(wide, 1376)], { $0[0].exp() })
    case "add 2048x1376":
      (operands, function) = ([random(wide, 1376), random(wide, 1376)], { $0[0] + $0[1] })
    case "add 8x8": (operands, function) = ([random(8, 8), random(8, 8)], { $0[0] + $0[1] })
    case "add bias 2048x1376": (operands, function) = ([random(wide, 1376), random(1376)], { $0[0] + $0[1] })
    case "sum 2048x1376": (operands, function) = ([random(wide, 1376)], { $0[0].sum() })
    case "transpose copy 2048x1376":
      (operands, function) = ([random(2048, 1376)], { $0[0].transposed().contiguous() })
    case "cross entropy 2048x4096": (operands, function) = crossEntropyCase(2048, 4096)
    case "cross entropy 512x32000": (operands, function) = crossEntropyCase(512, 32000)
    case "patch embed 22x3x112x112 p14 -> 256": (operands, function) = patches(22, 112, 256)
    case "patch embed 8x3x336x336 p14 -> 1024": (operands, function) = patches(8, 336, 1024)
    case "embedding 3472 of 4096x512":
      let indices = Tensor(ids)
      (operands, function) = ([random(4096, 512)], { $0[0].rows(at: indices) })
    case "adamw 10M params": return trains ? nil : adamW(random(10_000_000))
    default: return nil
    }
    return timed(operands, function, trains: trains, using: &generator)
  }

  private static func timed(
    _ operands: [Tensor], _ function: @escaping ([Tensor]) -> Tensor, trains: Bool,
    using generator: inout RandomGenerator
  ) -> Operation {
    if !trains { return { _ = noGradient { function(operands) } } }
    let leaves = operands.map { $0.requiringGradient() }
    let gradient = Tensor.randomNormal(function(operands).shape, using: &generator)
    return { _ = function(leaves).backward(from: gradient) }
  }

  /// `conv2d BxCxHxW kK pP sS gG -> O` or `conv1d BxCxL …`: kernel, padding, stride and groups, of which the
  /// last three may be missing.
  private static func convolution(_ name: String, random: ([Int]) -> Tensor)
    -> ([Tensor], ([Tensor]) -> Tensor)?
  {
    let words = name.split(separator: " ")
    guard words.count >= 5, let outputs = Int(words[words.count - 1]) else { return nil }
    let shape = words[1].split(separator: "x").compactMap { Int($0) }
    func option(_ letter: Character, _ standard: Int) -> Int {
      words.dropFirst(2).first { $0.first == letter }.flatMap { Int($0.dropFirst()) } ?? standard
    }
    let (kernel, padding, stride, groups) = (option("k", 1), option("p", 0), option("s", 1), option("g", 1))
    let taps = [Int](repeating: kernel, count: shape.count - 2)
    let operands = [random(shape), random([outputs, shape[1] / groups] + taps), random([outputs])]
    if shape.count == 3 {
      return (
        operands,
        { conv1d($0[0], weight: $0[1], bias: $0[2], stride: stride, padding: padding, groups: groups) }
      )
    }
    return (
      operands,
      {
        conv2d(
          $0[0], weight: $0[1], bias: $0[2], stride: (stride, stride), padding: (padding, padding),
          groups: groups)
      }
    )
  }

  /// Seconds that all threads together would need for an operation if its operands were always in their
  /// second-level caches: one thread works on the rows given here, and its time is multiplied. What this
  /// takes is the arithmetic.
  static func cachedTime(_ name: String, rows: Int, of total: Int, repetitions: Int) -> Double? {
    let threads = Threads.count
    Threads.count = 1
    defer { Threads.count = threads }
    guard let operation = operation(name, rows: rows) else { return nil }
    operation()
    let start = ContinuousClock.now
    for _ in 0..<repetitions { operation() }
    return seconds(since: start) / Double(repetitions) * Double(total) / Double(rows * threads)
  }

  private static func adamW(_ gradient: Tensor) -> Operation {
    let parameters: [NamedParameter] = [("w", Parameter(Tensor.zeros(gradient.shape)))]
    var gradients = Gradients()
    gradients[parameters[0].parameter] = gradient
    let optimizer = AdamW()
    let constant = gradients
    return { optimizer.step(parameters, constant) }
  }
}
