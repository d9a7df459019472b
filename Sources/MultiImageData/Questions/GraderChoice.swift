/// Ways of telling whether an answer is right.
public enum GraderChoice: String, CaseIterable, Sendable {
  /// What the source has: its grader, or else comparison with the ground truth as text.
  case auto
  /// The ground truth's own words, but for case and punctuation.
  case text
  /// What the answer claims about the picture.
  case semantic
}
