import Checkpoint
import Records

/// How a file of preference pairs spells them; `docs/pairs.md` has a record of each and where it is defined.
public enum PairFormat: String, CaseIterable, Sendable {
  /// MIA-DPO's released files, with `system`, `history` and `rejected_image` as keys of our own.
  case miaDPO = "mia-dpo"
  /// Preference data of TRL: `prompt`, `chosen` and `rejected` as texts or as lists of messages, `images`.
  case trl
  /// Ranking data of LLaMA-Factory: ShareGPT's `conversations`, or alpaca's `instruction`.
  case llamaFactory = "llama-factory"
  /// ms-swift: `messages` with the chosen answer at the end, `rejected_response`, `images`.
  case msSwift = "ms-swift"
  /// RLAIF-V: `question`, `chosen`, `rejected` and one `image`.
  case rlaifV = "rlaif-v"

  /// The keys that tell the format, for messages.
  var signature: String {
    switch self {
    case .miaDPO: "id, image, prompt, chosen, rejected, gt"
    case .trl: "prompt, chosen, rejected, images"
    case .llamaFactory:
      "conversations, chosen, rejected, images, or instruction, input, chosen, rejected, history"
    case .msSwift: "messages, rejected_response, images"
    case .rlaifV: "question, chosen, rejected, image"
    }
  }

  /// Keys that mean something in a record of the format, so that no key kept from elsewhere may have them.
  var ownKeys: [String] {
    switch self {
    case .miaDPO: PreferencePair.keys
    case .trl: ["id", "gt", "prompt", "chosen", "rejected", "images", "image"] + unreadMedia
    case .llamaFactory:
      ["id", "gt", "conversations", "messages", "system", "chosen", "rejected", "images"] + unreadMedia
    case .msSwift:
      [
        "id", "gt", "messages", "system", "rejected_response", "rejected_messages", "images", "image",
        "rejected_images",
      ] + unreadMedia
    case .rlaifV: ["id", "gt", "idx", "question", "chosen", "rejected", "image"]
    }
  }

  /// Keys that say nothing about the conversation but belong to the format: its card describes them.
  var describedKeys: [String] {
    self == .rlaifV ? ["ds_name", "origin_dataset", "origin_split", "idx", "image_path"] : []
  }

  /// Keys of what a conversation may have in the format's trainer and not here.
  var unreadMedia: [String] {
    let media = ["tools", "videos", "video", "audios", "audio"]
    switch self {
    case .miaDPO, .rlaifV: return []
    case .trl, .llamaFactory: return media
    case .msSwift:
      return media + [
        "objects", "rejected_tools", "rejected_objects", "rejected_videos", "rejected_audios",
      ]
    }
  }
}

extension PairFormat {
  /// The format whose keys a record has.
  ///
  /// Texts under `prompt`, `chosen` and `rejected` are MIA-DPO's where `gt` stands beside them, or `image`
  /// with an `id`, as a list, or with a mark in the prompt, and TRL's otherwise; without pictures both mean
  /// the same.
  /// - Throws: what was found, where the keys are those of no format or of several.
  init(detecting record: OrderedJSON) throws(RecordProblem) {
    let found = Self.candidates(record)
    guard found.count == 1, let only = found.first else {
      var names: [String] = []
      if case .object(let members) = record { names = members.map { jsonLiteral(String($0.key.prefix(40))) } }
      let keys = names.isEmpty ? "found no keys" : "found the keys \(names.joined(separator: ", "))"
      if found.isEmpty {
        let known = Self.allCases.map { "\($0.rawValue) (\($0.signature))" }.joined(separator: "; ")
        throw RecordProblem("\(keys), expected those of a known format of pairs: \(known)")
      }
      throw RecordProblem(
        "\(keys), which could be \(found.map(\.rawValue).joined(separator: " or ")); "
          + "expected those of one format, or to be told which it is")
    }
    self = only
  }

  private static func candidates(_ record: OrderedJSON) -> [PairFormat] {
    func has(_ key: String) -> Bool { ![nil, .null].contains(record[key: key]) }
    func isList(_ key: String) -> Bool { if case .array = record[key: key] { true } else { false } }
    func isObject(_ key: String) -> Bool { if case .object = record[key: key] { true } else { false } }
    let hasAnswers = has("chosen") || has("rejected")
    let answersAreLists = isList("chosen") || isList("rejected")
    let answersAreObjects = isObject("chosen") || isObject("rejected")
    let answersAreTexts = hasAnswers && !answersAreLists && !answersAreObjects
    var found: [PairFormat] = []
    if answersAreTexts, has("prompt") || !(has("question") || has("instruction") || has("conversations")) {
      let marked = record[key: "prompt"]?.text.map {
        $0.contains(ImageMark.text) || $0.contains(ImageMark.placeholder)
      }
      let isReleased =
        has("gt") || has("image") && (has("id") || isList("image") || marked == true) || has("rejected_image")
        || has("history")
      found.append(isReleased && !has("images") ? .miaDPO : .trl)
    } else if answersAreLists {
      found.append(.trl)
    }
    if hasAnswers, !answersAreLists, has("conversations") || has("messages") && answersAreObjects {
      found.append(.llamaFactory)
    } else if answersAreTexts, has("instruction") {
      found.append(.llamaFactory)
    }
    let isRejected = has("rejected_response") || has("rejected_messages") || has("rejected_images")
    if has("messages"), isRejected { found.append(.msSwift) }
    if answersAreTexts, has("question") { found.append(.rlaifV) }
    return found
  }
}
