import Records

/// What a model answered to a row of a benchmark: a line of `<name>_answers.jsonl`.
package struct BenchmarkAnswer: JSONRow, Equatable {
  /// How likely an option is as the whole answer, its end included.
  package struct Likelihood: Codable, Equatable, Sendable {
    /// `A`, `Yes`, ….
    var option: String
    /// Log-probability of the letter; nil for yes and no.
    package var letter: Double?
    /// Sum of the log-probabilities of the tokens of the text.
    package var sum: Double
    /// ``sum`` divided by the number of tokens.
    package var mean: Double
  }

  /// The row's index.
  package var index: String
  /// The generated answer; nil where none was asked for.
  package var prediction: String?
  /// Why it ended: `eos`, `stop` or `length`.
  var end: String?
  /// Empty where likelihoods were not asked for, or there are no options.
  package var likelihoods: [Likelihood] = []

  package var json: OrderedJSON {
    var members: [OrderedJSON.Member] = [.init("index", .string(index))]
    if let prediction { members.append(.init("prediction", .string(prediction))) }
    if let end { members.append(.init("end", .string(end))) }
    members.append(
      .init(
        "likelihoods",
        .array(
          likelihoods.map { likelihood in
            var members: [OrderedJSON.Member] = [.init("option", .string(likelihood.option))]
            if let letter = likelihood.letter { members.append(.init("letter", .number(letter))) }
            return .object(
              members + [.init("sum", .number(likelihood.sum)), .init("mean", .number(likelihood.mean))])
          })))
    return .object(members)
  }
}
