/// What a multi-image prompt asks where it does not name one picture: levels 2 and 3 of S2H-DPO (arXiv
/// 2604.18512). Prompts that name one, as MIA-DPO's do, are of the first level and have none of these.
public enum PromptLevel: Int, Codable, CaseIterable, Sendable {
  /// Whether two pictures that the prompt names have something in common.
  case compare = 2
  /// Which of all pictures fits a description.
  case find = 3

  /// The name in keys and ids.
  public var name: String {
    switch self {
    case .compare: "compare"
    case .find: "find"
    }
  }

  /// How many pictures are asked about.
  var targetCount: Int { self == .compare ? 2 : 1 }
}
