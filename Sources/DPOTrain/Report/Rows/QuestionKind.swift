/// How the images of a question are shown to the model.
public enum QuestionKind: String, Codable, CaseIterable, Sendable, Hashable {
  /// One image, as in ordinary instruction data.
  case single
  /// Several images, one after the other, named Image1, Image2, ….
  case sequence
  /// One collage of labelled cells.
  case grid
  /// The target pasted into the centre of another image.
  case picInPic = "pic_in_pic"

  /// The kinds that show more than one picture.
  public static let multiImage: [QuestionKind] = [.sequence, .grid, .picInPic]

  /// The name printed in tables and plots.
  public var title: String {
    switch self {
    case .single: "Single image"
    case .sequence: "Sequence"
    case .grid: "Grid collage"
    case .picInPic: "Pic-in-pic"
    }
  }
}
