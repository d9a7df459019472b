import Checkpoint
import Foundation
import Records

/// The right to write in a run directory, held until the value goes away or the process ends in any way.
public final class RunLock {
  private let file: FileLock

  /// Makes the directory of a run where it is missing, and locks it.
  /// - Throws: ``RunDirectoryError`` when it cannot be made, holds other files than a run's, or is another
  ///   process's.
  public init(_ configuration: RunConfiguration) throws {
    let path = configuration.run.outputDirectory
    let url = URL(fileURLWithPath: path, isDirectory: true)
    do {
      try AtomicFile.makeFolder(url)
    } catch let error as CheckpointError {
      throw RunDirectoryError.cannotCreate(path, error.found)
    }
    let names: [String]
    do {
      names = try FileManager.default.contentsOfDirectory(atPath: url.path)
    } catch {
      throw RunDirectoryError.cannotCreate(path, "it cannot be listed: \(String(cString: strerror(errno)))")
    }
    // A process killed before it wrote config.yaml leaves its lock and unfinished files.
    let first = [".lock", FileLock.tokenName]
    let others = names.filter { !first.contains($0) && !AtomicFile.isLeftover($0) }
    if !names.contains("config.yaml"), !others.isEmpty {
      throw RunDirectoryError.notARun(path, others.sorted()[0])
    }
    file = try FileLock(url.appendingPathComponent(".lock"), directory: path)
  }
}
