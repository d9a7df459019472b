public import Tensor

/// Turns pictures into what a vision encoder reads: one or more square views of each.
///
/// What is slow and small is apart from what is quick and large: ``prepared(_:isAlone:)`` resizes and pads in
/// 8 bits and can be kept, ``values(_:)`` normalises.
public protocol PictureProcessor: Sendable {
  /// How many features pictures have, and of what.
  var geometry: any PictureGeometry { get }
  /// Side of a view in pixels.
  var viewSide: Int { get }

  /// The 8-bit pictures that the views of a picture are made of.
  /// - Parameter isAlone: whether its prompt shows no other picture.
  func prepared(_ picture: RGBImage, isAlone: Bool) -> [RGBImage]

  /// The normalised samples of all views in the encoder's order: `views · 3 · side · side` numbers.
  /// - Parameter prepared: what ``prepared(_:isAlone:)`` made.
  func values(_ prepared: [RGBImage]) -> [Float]
}

extension PictureProcessor {
  /// The views of a picture, `[views, 3, side, side]`, normalised, in single precision.
  public func pixels(_ picture: RGBImage, isAlone: Bool) -> Tensor {
    let values = values(prepared(picture, isAlone: isAlone))
    return Tensor(values, shape: [values.count / (3 * viewSide * viewSide), 3, viewSide, viewSide])
  }
}

extension PictureGeometry {
  /// The features of a picture.
  /// - Parameter name: what errors call it.
  /// - Throws: ``ImageError`` for one that cannot be shown.
  package func grid(
    of name: String, width: Int, height: Int, isAlone: Bool
  ) throws(ImageError) -> FeatureGrid {
    if let found = refusal(width: width, height: height, isAlone: isAlone) {
      throw ImageError(file: name, reason: .cannotBeShown(found))
    }
    return grid(width: width, height: height, isAlone: isAlone)
  }
}

extension PictureProcessor {
  /// What the model saw of pictures, one square each, all of one size: what ``AttentionPicture`` draws over.
  public func seen(_ pictures: [RGBImage]) -> [RGBImage] {
    pictures.map { picture in
      (self as? ImageProcessor)?.square(picture)
        ?? picture.resized(width: viewSide, height: viewSide, filter: .bicubic)
    }
  }
}
