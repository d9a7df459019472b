/// Versions that a run writes beside its figures.
public enum PackageVersion {
  /// The package's own.
  public static let current = "0.2.0"

  /// The compiler the package was built with.
  public static var swift: String {
    #if compiler(>=6.4)
      "6.4 or later"
    #else
      "6.3"
    #endif
  }
}
