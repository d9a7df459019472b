import LVLM
import MultiImageData

/// A pair with its token ids, ready to be packed.
public struct EncodedPair: Sendable {
  /// The record's id.
  public var id: String
  /// The pictures of the prompt, in its order.
  public var pictures: [Picture]
  /// Token ids of the prompt, image tokens expanded.
  public var promptIDs: [Int32]
  /// The prompt of the rejected answer, where it shows other pictures.
  public var rejectedPrompt: Prompt?
  /// The chosen and the rejected answer, each ending with eos.
  public var completions: [[Int32]]
  /// How much of each image feature of the prompt belongs to what is asked about, pictures in order; `nil`
  /// where nobody asks, or there is but one picture as it came.
  public var focus: [Float]?
  /// How much of each image feature counts as attention to pictures at all; `nil` where all of all does.
  public var counted: [Float]?

  /// A prompt with its pictures.
  public struct Prompt: Sendable {
    /// The pictures, in the prompt's order.
    public var pictures: [Picture]
    /// Token ids, image tokens expanded.
    public var ids: [Int32]

    /// A prompt.
    public init(pictures: [Picture], ids: [Int32]) { (self.pictures, self.ids) = (pictures, ids) }
  }

  /// The prompts with the answers that follow each, in the order of the answers.
  var parts: [(prompt: Prompt, completions: [[Int32]])] {
    let prompt = Prompt(pictures: pictures, ids: promptIDs)
    guard let rejectedPrompt, completions.count == 2 else { return [(prompt, completions)] }
    return [(prompt, [completions[0]]), (rejectedPrompt, [completions[1]])]
  }

  /// The pictures of all its prompts.
  package var allPictures: [Picture] { parts.flatMap(\.prompt.pictures) }

  /// Creates a pair.
  public init(
    id: String, pictures: [Picture], promptIDs: [Int32], completions: [[Int32]], focus: [Float]? = nil,
    rejectedPrompt: Prompt? = nil
  ) {
    self.rejectedPrompt = rejectedPrompt
    self.id = id
    self.pictures = pictures
    self.promptIDs = promptIDs
    self.completions = completions
    self.focus = focus
  }
}

extension EncodedPair {
  /// A pair as a model reads it.
  ///
  /// - Parameters:
  ///   - pictures: the files of its pictures, in order.
  ///   - rejectedPictures: those of the rejected answer, where they are others; empty where they are not.
  /// - Throws: ``RecordError`` with what does not fit: marks, lengths, empty answers.
  public init(
    _ pair: PreferencePair, pictures: [String], rejectedPictures: [String], encoder: PromptEncoder
  ) throws {
    let (chosen, rejected) = (("chosen answer", pair.chosen), ("rejected answer", pair.rejected))
    func example(_ files: [String], _ answers: (name: String, text: String)...) throws -> PackedExample {
      do {
        return try encoder.example(
          system: pair.system, history: pair.history.map { ($0.question, $0.answer) }, question: pair.prompt,
          images: Array(files.indices), grids: try encoder.grids(ofFiles: files),
          answers: answers.map(\.text))
      } catch let error as PromptError {
        throw RecordError(id: pair.id, reason: error.description(answers: answers.map(\.name)))
      }
    }
    let whole = try example(pictures, chosen, rejected)
    let other = rejectedPictures.isEmpty ? nil : try example(rejectedPictures, rejected).promptIDs
    self.init(
      id: pair.id, pictures: pictures.map(Picture.file), promptIDs: whole.promptIDs,
      completions: whole.completions,
      rejectedPrompt: other.map { Prompt(pictures: rejectedPictures.map(Picture.file), ids: $0) })
  }
}
