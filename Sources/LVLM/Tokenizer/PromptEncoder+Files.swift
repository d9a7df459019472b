extension PromptEncoder {
  /// The features of the pictures of one prompt, by their files, which are read where their sizes matter.
  ///
  /// - Throws: ``ImageError`` for a picture that cannot be read.
  package func grids(ofFiles files: [String]) throws -> [FeatureGrid] {
    if let fixed = geometry.fixed { return files.map { _ in fixed } }
    return try files.map { file in
      let picture = try RGBImage(contentsOf: file)
      return try geometry.grid(
        of: file, width: picture.width, height: picture.height, isAlone: files.count == 1)
    }
  }
}
