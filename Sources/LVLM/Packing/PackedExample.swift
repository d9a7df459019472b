/// A prompt with its pictures and any number of answers to it.
public struct PackedExample: Equatable, Sendable {
  /// Token ids from bos to the end of the prompt; every picture is a run of image tokens, one per feature.
  public var promptIDs: [Int32]
  /// Indices into the image features, in the order of the pictures in the prompt.
  public var images: [Int]
  /// Token ids of each answer, eos at the end; none for generation.
  public var completions: [[Int32]]

  /// An example.
  public init(promptIDs: [Int32], images: [Int] = [], completions: [[Int32]] = []) {
    self.promptIDs = promptIDs
    self.images = images
    self.completions = completions
  }

  /// Rows that this example takes in a batch: the prompt once or once per answer, and every answer without
  /// its last token, which nothing has to read.
  public func tokenCount(sharesPrefix: Bool) -> Int {
    let answers = completions.reduce(0) { $0 + $1.count - 1 }
    return answers + promptIDs.count * (sharesPrefix ? 1 : max(completions.count, 1))
  }
}

/// An example that cannot be packed.
public enum PackingError: Error, Equatable, CustomStringConvertible, Sendable {
  /// The prompt's image tokens are not those of its pictures, which have so many features each.
  case imageTokens(example: Int, found: Int, features: [Int])
  /// A picture of which there are no features.
  case noSuchImage(example: Int, image: Int, count: Int)
  /// The prompt or an answer has no tokens.
  case empty(example: Int, completion: Int?)

  /// One line: the example, what was found, what was expected.
  public var description: String {
    switch self {
    case .imageTokens(let example, let found, let features):
      "example \(example): found \(found) image tokens, expected \(features.reduce(0, +)) "
        + (Set(features).count == 1
          ? "(\(features.count) images of \(features[0]) features)"
          : "(images of \(features.map(String.init).joined(separator: ", ")) features)")
    case .noSuchImage(let example, let image, let count):
      "example \(example): found image \(image), expected one of the \(count) whose features there are"
    case .empty(let example, let completion?):
      "example \(example): found no token in completion \(completion), expected at least one"
    case .empty(let example, nil):
      "example \(example): found no token in the prompt, expected at least one"
    }
  }
}
