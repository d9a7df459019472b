import CMIAHDF5

/// The HDF5 library in use.
public enum HDF5Version {
  /// Version of the library that was linked, such as `1.10.8`.
  public static var text: String {
    HDF5Library.locked {
      var (major, minor, release): (UInt32, UInt32, UInt32) = (0, 0, 0)
      H5get_libversion(&major, &minor, &release)
      return "\(major).\(minor).\(release)"
    }
  }
}
