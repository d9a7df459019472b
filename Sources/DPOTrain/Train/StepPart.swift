/// What a micro-batch adds to the loss and the metrics of its step: sums, which another process adds too.
struct StepPart {
  /// Its share of the step's loss.
  var loss = 0.0
  /// Rows of the decoder.
  var tokens = 0
  var preference = PreferenceMetrics()
  var attention = AttentionMetrics()
  var image = ImageTermMetrics()
  var said = TokenMetrics()

  /// As numbers, which have the same bits everywhere.
  var numbers: [Double] {
    [loss, Double(tokens)] + preference.numbers + attention.numbers + image.numbers + said.numbers
  }

  /// Adds the sums of another micro-batch, after those of all before it.
  /// - Parameter numbers: its ``numbers``.
  mutating func add(numbers: [Double]) {
    var rest = numbers[...]
    func take<Sums: MetricSums>(_ sums: inout Sums) {
      sums.add(numbers: Array(rest.prefix(sums.numbers.count)))
      rest = rest.dropFirst(sums.numbers.count)
    }
    loss += rest.removeFirst()
    tokens += Int(rest.removeFirst())
    take(&preference)
    take(&attention)
    take(&image)
    take(&said)
  }
}
