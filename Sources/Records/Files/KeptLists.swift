import Checkpoint
import Foundation
import Synchronization

/// The lists of checksums that this process has read, each as long as its file stays as it is: a report or a
/// stage that opens a thousand pictures of one part reads their list once.
package enum KeptLists {
  /// A list whose files are found by their paths.
  package struct List: Sendable {
    private let entries: [String: ChecksumList]

    fileprivate init(_ list: ChecksumList) {
      entries = Dictionary(grouping: list.entries, by: \.path).mapValues(ChecksumList.init)
    }

    /// The entries of a file, nil when there is none.
    package subscript(path: String) -> ChecksumList? { entries[path] }
  }

  /// Tells one content of a file from another.
  private struct Stamp: Equatable {
    var (size, inode): (Int64, UInt64)
    var (seconds, nanoseconds): (Int, Int)

    init?(_ url: URL) {
      var status = stat()
      guard stat(url.path, &status) == 0 else { return nil }
      (size, inode) = (Int64(status.st_size), UInt64(status.st_ino))
      (seconds, nanoseconds) = (Int(status.st_mtim.tv_sec), Int(status.st_mtim.tv_nsec))
    }
  }

  private static let lists = Mutex<[String: (stamp: Stamp, list: List?)]>([:])

  /// The list in a file, nil where `read` finds none.
  package static func list(_ url: URL, read: (URL) throws -> ChecksumList?) rethrows -> List? {
    guard let stamp = Stamp(url) else { return nil }
    if let kept = lists.withLock({ $0[url.path] }), kept.stamp == stamp { return kept.list }
    let list = try read(url).map(List.init)
    lists.withLock { $0[url.path] = (stamp, list) }
    return list
  }
}
