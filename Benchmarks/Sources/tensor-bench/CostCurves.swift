import LVLM
import Tensor

/// How time and memory of a DPO step grow with one size at a time; everything else is as in ``base``.
enum CostCurves {
  /// The decoder of `small`; four pairs of three pictures and two answers of 32 tokens.
  private static let base = {
    var size = ModelSize.all[1]
    size.images = [3, 3, 3, 3]
    size.answers = [(Int, Int)](repeating: (32, 32), count: 4)
    return size
  }()

  /// The size that a case such as `curve images 5` stands for, nil for another.
  static func size(_ name: String) -> ModelSize? {
    let words = name.split(separator: " ")
    guard words.count == 3, let value = Int(words[2]), value > 0 else { return nil }
    var size = base
    switch words[1] {
    case "images": size.images = size.images.map { _ in value }
    case "side":
      size.images = [5]
      size.answers = [(32, 32)]
      size.imageSize = 14 * value
    case "answer": size.answers = size.answers.map { _ in (value, value) }
    case "pairs":
      size.images = [Int](repeating: 3, count: value)
      size.answers = [(Int, Int)](repeating: (32, 32), count: value)
    case "width":
      size.width = value
      size.heads = value / 64
      size.inner = value * 43 / 16
    case "vocabulary": size.vocabulary = value
    default: return nil
    }
    return size
  }

  /// Seconds of each of some steps after the first, and what a step needs.
  static func race(_ size: ModelSize, repetitions: Int) throws -> [String: Any] {
    let step = try PreferenceStep(size)
    _ = step.run()
    TensorRuntime.trim()
    let held = TensorRuntime.bytesInUse
    TensorRuntime.resetPeak()
    _ = step.run()
    let room = TensorRuntime.peakBytes - held
    let times = (0..<max(1, repetitions)).map { _ in
      let start = ContinuousClock.now
      _ = step.run()
      return seconds(since: start)
    }
    return [
      "times": times, "tokens": step.batch.tokenCount, "gflop": step.gflop,
      "held_bytes": held, "step_bytes": room,
    ]
  }

  /// Floating-point operations of matrix products and attention in a step: the forward pass of the reference,
  /// that of the policy and a backward pass of twice its work.
  static func operations(_ size: ModelSize, _ batch: PackedBatch) -> Double {
    let (width, inner, vision) = (Double(size.width), Double(size.inner), Double(size.visionWidth))
    let (pictures, patches) = (Double(size.images.reduce(0, +)), Double(size.patchesPerImage))
    let rows = Double(batch.tokenCount)
    var lengths = 0.0
    for sequence in batch.sequences where sequence.completion != nil {
      let (prompt, answer) = (Double(sequence.prompt.count), Double(sequence.answer.count))
      // The prompt is there once for both answers.
      lengths += prompt * prompt / 4 + answer * prompt + answer * answer / 2
    }
    let block = rows * (4 * width * width + 3 * width * inner) + 2 * lengths * width
    // The last hidden layer but one is read.
    let views = patches + 1
    let encoder =
      Double(size.visionLayers - 1) * views * (12 * vision * vision + 2 * views * vision)
      + patches * (588 * vision + vision * width + width * width)
    let head = Double(batch.targets.count) * width * Double(size.vocabulary)
    return 4 * 2 * (Double(size.layers) * block + pictures * encoder + head)
  }
}
