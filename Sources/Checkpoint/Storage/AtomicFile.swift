import CMIAHDF5
import Foundation
import Synchronization

/// Replaces files in one step: other processes see the earlier content or the whole new one, also after a
/// power cut.
public enum AtomicFile {
  /// The ending of names under which unfinished files are written.
  public static let temporarySuffix = ".tmp"

  private static let serial = Atomic<Int>(0)

  /// Lets `write` fill a temporary file beside `destination`, syncs it, and renames it over `destination`.
  ///
  /// When anything fails, the temporary file is removed and whatever was at `destination` stays as it was.
  /// The temporary name belongs to this call alone, so that any number of threads and processes may replace
  /// one file.
  /// - Parameter isSynced: false leaves it to a later ``synchronizeFileSystem(of:)`` that the file outlives a
  ///   power cut; what a process killed before sees is the same.
  /// - Throws: whatever `write` throws, or ``CheckpointError`` of kind `cannotWrite` when syncing or renaming
  ///   fails, and before anything is written where something else than a regular file is at `destination`.
  public static func replace(
    _ destination: URL, isSynced: Bool = true, _ write: (URL) throws -> Void
  ) throws {
    let directory = destination.deletingLastPathComponent()
    try FileKind.requireWritable(destination, reportingAs: destination)
    let temporary = temporary(for: destination)
    do {
      try write(temporary)
      if isSynced { try synchronize(temporary, reportingAs: destination) }
      guard rename(temporary.path, destination.path) == 0 else { throw failure(destination, errno) }
    } catch {
      unlink(temporary.path)
      throw error
    }
    if isSynced { try synchronize(directory, reportingAs: destination) }
  }

  /// As ``replace(_:isSynced:_:)`` for several files of one folder that belong together: none is renamed
  /// before all are written and synced, so that a failure leaves every earlier file as it was.
  /// - Parameter write: gets the index of a destination and where to write it for now.
  /// - Throws: whatever `write` throws, or ``CheckpointError`` of kind `cannotWrite`.
  package static func replaceAll(_ destinations: [URL], _ write: (Int, URL) throws -> Void) throws {
    for destination in destinations {
      try FileKind.requireWritable(destination, reportingAs: destination)
    }
    let temporaries = destinations.map(temporary(for:))
    do {
      for (index, destination) in destinations.enumerated() {
        try write(index, temporaries[index])
        try synchronize(temporaries[index], reportingAs: destination)
      }
      for (temporary, destination) in zip(temporaries, destinations) {
        guard rename(temporary.path, destination.path) == 0 else { throw failure(destination, errno) }
      }
    } catch {
      for temporary in temporaries { unlink(temporary.path) }
      throw error
    }
    if let first = destinations.first {
      try synchronize(first.deletingLastPathComponent(), reportingAs: first)
    }
  }

  private static func temporary(for destination: URL) -> URL {
    let number = serial.add(1, ordering: .relaxed).newValue
    // A name may have 255 bytes.
    let stem = destination.lastPathComponent.prefix(160)
    return destination.deletingLastPathComponent()
      .appendingPathComponent(".\(stem).\(getpid()).\(number)\(temporarySuffix)")
  }

  /// Writes bytes to `destination` in one step.
  /// - Throws: ``CheckpointError`` of kind `cannotWrite`.
  public static func write(
    _ bytes: some Sequence<UInt8>, to destination: URL, isSynced: Bool = true
  ) throws {
    try replace(destination, isSynced: isSynced) { temporary in
      let output = try OutputFile(temporary, reportingAs: destination)
      let contiguous = [UInt8](bytes)
      try contiguous.withUnsafeBytes { try output.write($0) }
      try output.close()
    }
  }

  /// Makes a folder, and those above it, so that it outlives a power cut; nothing when it is there.
  /// - Throws: ``CheckpointError`` of kind `cannotWrite`.
  package static func makeFolder(_ url: URL) throws {
    var isFolder: ObjCBool = false
    if FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder), isFolder.boolValue { return }
    let parent = url.deletingLastPathComponent()
    if parent.path != url.path { try makeFolder(parent) }
    guard mkdir(url.path, 0o777) == 0 || errno == EEXIST && !isFolder.boolValue else {
      throw failure(url, errno)
    }
    try synchronize(parent, reportingAs: url)
  }

  /// Writes everything out that was written to the file system of a folder, as one `fsync` of each of its
  /// files would.
  /// - Throws: ``CheckpointError`` of kind `cannotWrite`.
  package static func synchronizeFileSystem(of folder: URL) throws {
    let descriptor = open(folder.path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure(folder, errno) }
    defer { close(descriptor) }
    guard chdf5_sync_file_system(descriptor) == 0 || errno == ENOSYS else { throw failure(folder, errno) }
  }

  // MARK: Leftovers

  /// Whether a file name is one that ``replace(_:isSynced:_:)``, or Foundation, leaves behind when the
  /// process is killed in between.
  public static func isLeftover(_ name: String) -> Bool {
    name.hasPrefix(".") && name.hasSuffix(temporarySuffix) || name.hasPrefix(foundationPrefix)
  }

  /// How Foundation names the unfinished file of an atomic write, before the process in hexadecimal digits
  /// and a random part.
  private static let foundationPrefix = ".dat.nosync"

  /// Removes unfinished files of processes that are no more, in a folder and all below it.
  package static func removeLeftovers(in folder: URL) {
    guard let walk = FileManager.default.enumerator(atPath: folder.path) else { return }
    for case let path as String in walk {
      let name = (path as NSString).lastPathComponent
      if isLeftover(name), !isInUse(name) { unlink(folder.appendingPathComponent(path).path) }
    }
  }

  /// Whether the process that writes under this name still runs, as far as the name tells.
  package static func isInUse(_ name: String) -> Bool {
    var process: pid_t?
    if name.hasPrefix(foundationPrefix) {
      process = pid_t(name.dropFirst(foundationPrefix.count).prefix { $0 != "." }, radix: 16)
    } else {
      let parts = name.split(separator: ".")
      process = parts.count >= 3 ? pid_t(parts[parts.count - 3]) : nil
    }
    guard let process, process > 0 else { return false }
    return kill(process, 0) == 0 || errno == EPERM
  }

  // MARK: Errors

  /// Why a file could not be written, with what the system's error code leaves out.
  /// - Parameter needed: bytes that were still to be written.
  static func failure(_ destination: URL, _ code: Int32, needed: Int? = nil) -> CheckpointError {
    var text = String(cString: strerror(code))
    switch code {
    case ENOSPC, EDQUOT:
      let needs = needed.map { "\($0) more bytes are needed" }
      let free = freeBytes(at: destination).map { "\($0) are free" }
      let parts = [needs, free].compactMap { $0 }
      if !parts.isEmpty { text += " (\(parts.joined(separator: ", ")))" }
    case EFBIG:
      var limit = rlimit()
      getrlimit(fileSizeLimit, &limit)
      if limit.rlim_cur < rlim_t.max / 2 { text += " (ulimit -f allows \(limit.rlim_cur) bytes)" }
    case EMFILE: text += " (ulimit -n allows \(openFileLimit))"
    default: break
    }
    return CheckpointError(.cannotWrite, file: destination.path, found: text)
  }

  /// Bytes that a process without privileges can still write where `url` is or would be.
  package static func freeBytes(at url: URL) -> Int? {
    var place = url
    var information = statvfs()
    while statvfs(place.path, &information) != 0 {
      guard place.path.count > 1 else { return nil }
      place.deleteLastPathComponent()
    }
    return Int(clamping: UInt64(information.f_bavail) * UInt64(information.f_frsize))
  }

  private static var openFileLimit: UInt64 {
    var limit = rlimit()
    #if os(Linux)
      getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    #else
      getrlimit(RLIMIT_NOFILE, &limit)
    #endif
    return UInt64(limit.rlim_cur)
  }

  #if os(Linux)
    private static var fileSizeLimit: __rlimit_resource_t { __rlimit_resource_t(RLIMIT_FSIZE.rawValue) }
  #else
    private static var fileSizeLimit: Int32 { RLIMIT_FSIZE }
  #endif

  /// Waits until a file, or the names in a folder, are on disk.
  package static func synchronize(_ url: URL, reportingAs destination: URL) throws {
    let descriptor = open(url.path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure(destination, errno) }
    defer { close(descriptor) }
    // Some file systems cannot sync a directory and say so with EINVAL.
    guard fsync(descriptor) == 0 || errno == EINVAL else { throw failure(destination, errno) }
  }
}
