/// Versions that a run writes beside its figures.
public enum PackageVersion {
  /// The package's own.
  public static let current = "0.1.0"

  /// The compiler the package was built with.
  public static var swift: String {
    #if compiler(>=6.4)
      "6.4 or later"
    #elseif compiler(>=6.3)
      "6.3"
    #elseif compiler(>=6.2)
      "6.2"
    #else
      "6.1 or earlier"
    #endif
  }
}
