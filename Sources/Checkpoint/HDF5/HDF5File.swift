import CHDF5
import Foundation

/// An HDF5 file, open for reading or being written.
///
/// Paths inside the file are written with slashes: `/model/lm_head/weight`. Datasets are contiguous, little-endian and in C
/// order; booleans, half precision and strings follow h5py's conventions, bfloat16 follows Keras'
/// (16-bit integers with an attribute `dtype = "bfloat16"`). The same content gives the same bytes.
/// Reading follows hard links only: soft and external links, virtual datasets and external storage are refused, so that a
/// file cannot pull in another one. Every call goes through one process-wide lock.
public final class HDF5File: @unchecked Sendable {
  /// Where the file is, or will be once ``write(to:_:)`` returns.
  public let url: URL
  /// Bytes in the file when it was opened for reading; 0 while writing.
  let fileSize: Int
  // Both are touched inside HDF5Library.locked only.
  private(set) var identifier: hid_t
  private let status: UnsafeMutablePointer<Int32>

  /// Opens a file for reading.
  /// - Throws: ``CheckpointError`` of kind `cannotOpen` when it is absent, `wrongFormat` when it is not HDF5, `damaged` when
  ///   it is cut short.
  public init(reading url: URL) throws {
    self.url = url
    guard
      let attributes = try? FileManager.default.attributesOfItem(atPath: url.resolvingSymlinksInPath().path),
      let size = attributes[.size] as? Int
    else {
      throw CheckpointError(.cannotOpen, file: url.path, found: "no such file", expected: "an HDF5 file")
    }
    fileSize = size
    status = .allocate(capacity: 1)
    status.initialize(to: 0)
    do {
      identifier = try HDF5Library.locked {
        guard access(url.path, R_OK) == 0 else {
          throw CheckpointError(.cannotOpen, file: url.path, found: String(cString: strerror(errno)))
        }
        guard H5Fis_hdf5(url.path) > 0 else {
          let found = size == 0 ? "an empty file" : "\(size) bytes without an HDF5 signature"
          throw CheckpointError(.wrongFormat, file: url.path, found: found, expected: "an HDF5 file")
        }
        return try HDF5Library.using(
          H5Pcreate(chdf5_file_access()), H5Pclose,
          orThrow: { CheckpointError(.cannotOpen, file: url.path, found: $0) }
        ) { access in
          chdf5_disable_locking(access)
          H5Pset_fclose_degree(access, H5F_CLOSE_STRONG)
          let file = H5Fopen(url.path, chdf5_read_only(), access)
          guard file >= 0 else {
            throw CheckpointError(
              .damaged, file: url.path, found: HDF5Library.takeDescription(), expected: "a complete HDF5 file"
            )
          }
          return file
        }
      }
    } catch {
      status.deallocate()
      throw error
    }
  }

  private init(creating temporary: URL, reportingAs url: URL) throws {
    self.url = url
    fileSize = 0
    let status = UnsafeMutablePointer<Int32>.allocate(capacity: 1)
    status.initialize(to: 0)
    self.status = status
    identifier = -1
    identifier = try HDF5Library.locked {
      let create = H5Pcreate(chdf5_file_create())
      defer { H5Pclose(create) }
      H5Pset_link_creation_order(create, chdf5_creation_order())
      H5Pset_obj_track_times(create, false)
      let access = H5Pcreate(chdf5_file_access())
      defer { H5Pclose(access) }
      H5Pset_fclose_degree(access, H5F_CLOSE_STRONG)
      _ = chdf5_use_output_driver(access, HDF5Library.outputDriver, status)
      let file = H5Fcreate(temporary.path, chdf5_truncate(), create, access)
      guard file >= 0 else {
        let description = HDF5Library.takeDescription()
        throw status.pointee == 0
          ? CheckpointError(.cannotWrite, file: url.path, found: description)
          : AtomicFile.failure(url, status.pointee)
      }
      return file
    }
  }

  deinit {
    try? close()
    status.deallocate()
  }

  /// Writes a file in one step: `body` fills it under a temporary name, which is synced and renamed to `url`.
  ///
  /// When `body` throws or the disk is full the temporary file is removed and an earlier file at `url` stays as it was.
  /// - Throws: ``CheckpointError`` of kind `cannotWrite`, or what `body` throws.
  public static func write(to url: URL, _ body: (HDF5File) throws -> Void) throws {
    try AtomicFile.replace(url) { temporary in
      let file = try HDF5File(creating: temporary, reportingAs: url)
      do {
        try body(file)
      } catch {
        try? file.close()
        throw error
      }
      try file.close()
    }
  }

  /// Closes the file; done by itself when the last reference goes. Reading or writing afterwards traps.
  func close() throws {
    try HDF5Library.locked {
      guard identifier >= 0 else { return }
      let result = H5Fclose(identifier)
      identifier = -1
      try checkOutput()
      if result < 0 {
        throw CheckpointError(.cannotWrite, file: url.path, found: HDF5Library.takeDescription())
      }
    }
  }

  /// Throws when the operating system refused an earlier write, which the output driver hides from libhdf5.
  func checkOutput() throws {
    if status.pointee != 0 { throw AtomicFile.failure(url, status.pointee) }
  }

  /// The reason of a failed write: the operating system's where it refused one, else the library's description.
  func writeFailure(_ path: String, _ description: String) -> CheckpointError {
    status.pointee != 0
      ? AtomicFile.failure(url, status.pointee)
      : CheckpointError(.cannotWrite, file: url.path, at: path, found: description)
  }

  /// The components of a path inside the file; throws when one cannot be a name.
  func components(of path: String) throws -> [String] {
    let parts = path.split(separator: "/").map(String.init)
    guard !parts.contains(where: { $0 == "." || $0.contains("\0") }) else {
      throw CheckpointError(
        .unsupported, file: url.path, at: path, found: "a path component that is `.` or holds a zero byte",
        expected: "plain names separated by slashes")
    }
    return parts
  }
}
