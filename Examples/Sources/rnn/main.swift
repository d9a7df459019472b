// The adding problem (Hochreiter and Schmidhuber, "Long short-term memory", 1997): a sequence of random
// numbers, two of which are marked; the answer, asked for at the end, is their sum. Who remembers nothing
// says 1 and is off by 1/6 on average of the squares. Sequences of a batch have different lengths.
import Foundation
import Tensor

/// Reads a sequence with an LSTM and answers from what it remembers at the end.
final class Adder: Module {
  let memory: LSTM
  let answer: Linear

  init(width: Int, using generator: inout RandomGenerator) {
    memory = LSTM(2, width, batchFirst: true, using: &generator)
    answer = Linear(width, 1, using: &generator)
    // A forget gate that starts open: PyTorch's order of the gates is input, forget, cell, output.
    for (name, parameter) in memory.namedParameters() where name == "bias_ih_l0" {
      parameter.tensor[width..<2 * width] = Tensor.ones([width])
    }
  }

  /// Sequences `[n, t, 2]`, of which row `i` counts up to `lengths[i]`, to answers `[n]`.
  func callAsFunction(_ x: Tensor, lengths: [Int]) -> Tensor {
    // The last layer's hidden state after each sequence's own last element.
    let state = memory(x, lengths: lengths).state.hidden[-1]
    return answer(state).squeezed(axis: 1)
  }

  func visitParameters(_ visitor: inout ParameterVisitor) {
    visitor.child("memory", memory)
    visitor.child("answer", answer)
  }
}

/// `count` sequences of lengths in `range`, padded with zeros to the longest, and their answers.
func draw(_ count: Int, _ range: ClosedRange<Int>, using generator: inout RandomGenerator)
  -> (x: Tensor, lengths: [Int], sums: Tensor)
{
  let longest = range.upperBound
  var (numbers, lengths, sums) = ([Float](repeating: 0, count: count * longest * 2), [Int](), [Float]())
  for i in 0..<count {
    let length = range.lowerBound + generator.integer(below: range.count)
    // One mark in the first half and one in the second.
    let marks = [
      generator.integer(below: length / 2), length / 2 + generator.integer(below: length - length / 2),
    ]
    var sum: Float = 0
    for t in 0..<length {
      let number = Float(generator.uniform())
      let place = (i * longest + t) * 2
      numbers[place] = number
      numbers[place + 1] = marks.contains(t) ? 1 : 0
      if marks.contains(t) { sum += number }
    }
    lengths.append(length)
    sums.append(sum)
  }
  return (Tensor(numbers, shape: [count, longest, 2]), lengths, Tensor(sums))
}

var generator = RandomGenerator(seed: 1)
let model = Adder(width: 32, using: &generator)
let parameters = model.trainableParameters()
let steps = 1500
let schedule = LearningRateSchedule(.cosine, peak: 1e-2, warmupSteps: 20, totalSteps: steps)
let optimizer = AdamW(weightDecay: 0)

for step in 0..<steps {
  let batch = draw(64, 20...40, using: &generator)
  let loss = mseLoss(model(batch.x, lengths: batch.lengths), batch.sums)
  var gradients = loss.backward()
  _ = gradients.clip(norm: 1, of: parameters)
  optimizer.learningRate = schedule.rate(step: step)
  optimizer.step(parameters, gradients)
  if step % 250 == 0 { print("step \(step)  squared error \(String(format: "%.5f", loss.item()))") }
}

let test = draw(500, 20...40, using: &generator)
let answers = noGradient { model(test.x, lengths: test.lengths) }
for i in 0..<4 {
  print(
    String(
      format: "a sequence of %d numbers: %.3f, the sum is %.3f", test.lengths[i], answers[i].item(),
      test.sums[i].item()))
}
let error = mseLoss(answers, test.sums).item()
let close = ((answers - test.sums).abs() .< 0.1).to(.float32).mean().item()
// Padding must not matter: the first sequence alone, without the zeros behind it.
let alone = noGradient {
  model(test.x[0..<1, ..<test.lengths[0]], lengths: [test.lengths[0]]).item() - answers[0].item()
}
print(
  String(
    format: "squared error %.5f on new sequences (0.167 without memory), %.1f %% within 0.1", error,
    100 * close))
guard error < 0.005, close > 0.9 else {
  print("did not learn: expected a squared error below 0.005 and 90 % within 0.1")
  exit(1)
}
guard abs(alone) < 1e-5 else {
  print("wrong: a sequence alone is answered \(alone) differently from the same among longer ones")
  exit(1)
}
