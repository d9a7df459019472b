// A decoder-only transformer that reads letters and learns a small grammar: in "the dogs near the cat sleep."
// the verb agrees with the first noun, however many letters lie between. Some pairs of nouns are never shown;
// the network has to get them right all the same. Its loss is compared with the entropy of the grammar, below
// which nothing can go, and what it writes is parsed.
import Foundation
import Tensor

func fail(_ message: String) -> Never {
  print("did not learn: \(message)")
  exit(1)
}

// The grammar: "the NOUN [near the NOUN] VERB.", where singular nouns and verbs have number 0 and plural ones
// 1.
let nouns = [
  ("cat", "cats"), ("dog", "dogs"), ("fox", "foxes"), ("mouse", "mice"), ("child", "children"),
  ("goose", "geese"),
].flatMap { [$0.0, $0.1] }
let verbs = [("runs", "run"), ("sleeps", "sleep"), ("sings", "sing"), ("hides", "hide")]
func isShown(_ first: Int, _ second: Int) -> Bool { (first + second) % 4 != 0 }

/// The sentences that are drawn: with two nouns every other time, each noun and verb as often as any other.
func sentence(using generator: inout RandomGenerator) -> String {
  let first = generator.integer(below: nouns.count)
  var text = "the \(nouns[first])"
  if generator.integer(below: 2) == 1 {
    let others = nouns.indices.filter { isShown(first, $0) }
    text += " near the \(nouns[others[generator.integer(below: others.count)]])"
  }
  let verb = verbs[generator.integer(below: verbs.count)]
  return text + " \(first % 2 == 0 ? verb.0 : verb.1)."
}

/// Whether the grammar has a sentence, with the pairs that were not shown.
func isCorrect(_ text: String) -> Bool {
  guard text.hasSuffix(".") else { return false }
  let words = text.dropLast().split(separator: " ", omittingEmptySubsequences: false).map(String.init)
  guard words.count == 3 || (words.count == 6 && words[2] == "near" && words[3] == "the"), words[0] == "the",
    let number = nouns.firstIndex(of: words[1]).map({ $0 % 2 }),
    words.count == 3 || nouns.contains(words[4])
  else { return false }
  return verbs.contains { (number == 0 ? $0.0 : $0.1) == words[words.count - 1] }
}

// Letters as numbers. A sentence starts after a line break, which is number 0.
let letters = Array("\n abcdefghijklmnopqrstuvwxyz.")
func numbers(_ text: String) -> [Int64] { text.map { Int64(letters.firstIndex(of: $0)!) } }
let context = 64

/// One block: attention to what came before, then two layers on each letter by itself.
final class Block: Module {
  let attentionNorm: LayerNorm, attention: MultiHeadAttention
  let norm: LayerNorm, wide: Linear, narrow: Linear

  init(_ width: Int, heads: Int, using generator: inout RandomGenerator) {
    attentionNorm = LayerNorm(width)
    attention = MultiHeadAttention(width, heads: heads, using: &generator)
    norm = LayerNorm(width)
    wide = Linear(width, 4 * width, using: &generator)
    narrow = Linear(4 * width, width, using: &generator)
  }

  func callAsFunction(_ x: Tensor) -> Tensor {
    let x = x + attention(attentionNorm(x), isCausal: true)
    return x + narrow(wide(norm(x)).gelu())
  }

  func visitParameters(_ visitor: inout ParameterVisitor) {
    visitor.child("attentionNorm", attentionNorm)
    visitor.child("attention", attention)
    visitor.child("norm", norm)
    visitor.child("wide", wide)
    visitor.child("narrow", narrow)
  }
}

final class Transformer: Module {
  let letter: Embedding, place: Embedding, blocks: [Block], norm: LayerNorm, head: Linear

  init(width: Int, blocks count: Int, heads: Int, using generator: inout RandomGenerator) {
    letter = Embedding(letters.count, width, standardDeviation: 0.1, using: &generator)
    place = Embedding(context, width, standardDeviation: 0.1, using: &generator)
    var made: [Block] = []
    for _ in 0..<count { made.append(Block(width, heads: heads, using: &generator)) }
    blocks = made
    norm = LayerNorm(width)
    head = Linear(width, letters.count, using: &generator)
  }

  /// Letters `[n, t]` to the logits of the letter after each, `[n, t, letters]`.
  func callAsFunction(_ x: Tensor) -> Tensor {
    let start = letter(x) + place(Tensor.arange(x.shape[1]))
    return head(norm(blocks.reduce(start) { $1($0) }))
  }

  func visitParameters(_ visitor: inout ParameterVisitor) {
    visitor.child("letter", letter)
    visitor.child("place", place)
    visitor.children("blocks", blocks)
    visitor.child("norm", norm)
    visitor.child("head", head)
  }
}

/// Rows of `context + 1` letters, each from the start of a sentence.
func rows(_ count: Int, using generator: inout RandomGenerator) -> Tensor {
  var all: [Int64] = []
  for _ in 0..<count {
    var row: [Int64] = []
    while row.count <= context { row += numbers("\n" + sentence(using: &generator)) }
    all += row.prefix(context + 1)
  }
  return Tensor(all, shape: [count, context + 1])
}

func loss(_ model: Transformer, _ rows: Tensor) -> Tensor {
  crossEntropy(
    model(rows[.all, ..<context]).reshaped([-1, letters.count]), targets: rows[.all, 1...].flattened())
}

var generator = RandomGenerator(seed: 1)
let model = Transformer(width: 64, blocks: 2, heads: 4, using: &generator)
let parameters = model.trainableParameters()
let steps = 600
let schedule = LearningRateSchedule(.cosine, peak: 5e-3, warmupSteps: 20, totalSteps: steps)
let optimizer = AdamW(beta2: 0.98, weightDecay: 0.01)
print("\(model.parameterCounts.all) weights")
for step in 0..<steps {
  let value = loss(model, rows(16, using: &generator))
  var gradients = value.backward()
  _ = gradients.clip(norm: 1, of: parameters)
  optimizer.learningRate = schedule.rate(step: step)
  // Weights that multiply shrink; biases, scales and tables do not.
  optimizer.step(parameters, gradients) { $0.parameter.shape.count == 2 && !$0.name.hasPrefix("place") }
  if step % 100 == 0 { print("step \(step)  loss \(String(format: "%.4f", value.item()))") }
}

// 1. New rows: the loss and the entropy of the grammar, both per letter.
let reached = noGradient { loss(model, rows(100, using: &generator)).item() }
let choices = nouns.indices.map { a in log(Double(nouns.indices.count { isShown(a, $0) })) }.reduce(0, +)
let entropy = log(2) + log(12) + log(4) + 0.5 * choices / 12
let length = (0..<4000).map { _ in Double(sentence(using: &generator).count + 1) }.reduce(0, +) / 4000
print(
  String(format: "loss on new sentences %.4f, entropy of the grammar about %.4f", reached, entropy / length))

// 2. Sentences it writes by itself, 100 side by side: each letter is drawn from the softmax of the last
// logits.
var written = Tensor.zeros([100, 1], dtype: .int64)
noGradient {
  while written.shape[1] < 48 {
    let logits = model(written)[.all, -1]
    let next = Tensor.randomCategorical(logits: logits, using: &generator)
    written = Tensor.concatenated([written, next.expandedDimensions(axis: 1)], axis: 1)
  }
}
let sentences = written.unstacked().map { row in
  let text = String(row.array(of: Int.self).dropFirst().map { letters[$0] })
  return String(text.prefix { $0 != "\n" })
}
let correct = sentences.count { isCorrect($0) }
print("\(correct) of 100 sentences it writes are correct:")
for text in sentences.prefix(6) { print("  \(text)\(isCorrect(text) ? "" : "  (wrong)")") }

// 3. Pairs of nouns it never saw, of different number: does it choose a verb that agrees with the first?
var (right, asked) = (0, 0)
for first in nouns.indices {
  for second in nouns.indices where !isShown(first, second) {
    let start = "the \(nouns[first]) near the \(nouns[second]) "
    var text = start
    while !text.hasSuffix("."), text.count < start.count + 8 {
      let logits = noGradient { model(Tensor(numbers("\n" + text)).expandedDimensions(axis: 0))[0, -1] }
      text.append(letters[logits.argmax().item(of: Int.self)])
    }
    asked += 1
    right += isCorrect(text) ? 1 : 0
  }
}
print("\(right) of \(asked) pairs of nouns that were never shown get a verb that agrees")

if !(reached < 1.1 * entropy / length) { fail("the loss is more than a tenth above the entropy") }
if correct < 90 { fail("expected at least 90 correct sentences") }
if right * 10 < asked * 9 { fail("expected agreement for nine of ten pairs") }
