import LVLM

/// The file format of composed pictures.
public enum PictureFormat: String, CaseIterable, Sendable {
  /// Without loss.
  case png
  /// As Pillow's default and the authors' files: quality 75, colours at half the resolution.
  case jpeg

  /// The ending of file names.
  var pathExtension: String { self == .png ? "png" : "jpg" }

  /// Writes a picture; an existing file is replaced only when all bytes are on disk.
  func write(_ picture: RGBImage, to path: String) throws(ImageError) {
    switch self {
    case .png: try picture.writePNG(to: path)
    case .jpeg: try picture.writeJPEG(to: path)
    }
  }
}
