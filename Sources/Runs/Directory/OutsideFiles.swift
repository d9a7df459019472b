import Checkpoint
import Foundation
import LVLM
import MultiImageData
import Records
import Synchronization
import Tensor

/// Files outside a run that its parts are made from: the data with its pictures, a model to begin with,
/// prompts made elsewhere. A part is made again when they hold something else than when it was made.
package struct OutsideFiles {
  /// A file, and what it is called among those of its key: where the whole folder lies does not matter.
  private struct File {
    var name: String
    var path: String

    init(_ path: String, in folder: String) {
      let home = folder.hasSuffix("/") ? folder : folder + "/"
      self.path = path
      name = path.hasPrefix(home) ? String(path.dropFirst(home.count)) : (path as NSString).lastPathComponent
    }
  }

  /// The files by the key that names them.
  private let files: [String: [File]]

  /// The file in a run that remembers what files held, by size and time.
  static let memory = "outside-files.txt"

  package init(_ configuration: RunConfiguration, source: any QuestionSource) {
    self.init(configuration, source: source, ownPairs: nil)
  }

  init(_ configuration: RunConfiguration, source: any QuestionSource, ownPairs: OwnPairs?) {
    var files: [String: [File]] = [:]
    if let ownPairs {
      files["data.pairs"] =
        Self.inside(ownPairs.trained.path) + ownPairs.pictures.map { File($0, in: "") }
      if let held = configuration.data.evalPairs { files["data.eval_pairs"] = Self.inside(held) }
    }
    let places = ownPairs == nil ? Self.dataPlaces(configuration.data) : []
    if !places.isEmpty {
      var all = places.flatMap(Self.below)
      var seen = Set(all.map(\.path))
      for split in DataSplit.allCases {
        for index in 0..<source.count(of: split) {
          let image = source.image(split, index)
          guard let path = source.file(of: image), seen.insert(path).inserted else { continue }
          var file = File(path, in: "")
          file.name = image.path
          all.append(file)
        }
      }
      files["data.path"] = all
    }
    if let path = configuration.data.names { files["data.names"] = Self.inside(path) }
    if let path = configuration.model.path {
      files["model.path"] = Self.inside(path)
      if path.hasSuffix(".gguf"),
        let projector = try? PretrainedModel.projector(beside: URL(fileURLWithPath: path))
      {
        files["model.path"]?.append(File(projector.path, in: ""))
      }
    }
    if let path = configuration.model.languageModel { files["model.language_model"] = Self.inside(path) }
    if let path = configuration.compose.path {
      files["compose.path"] = Self.inside(path).filter {
        ["json", "jsonl", "sfv"].contains(($0.name as NSString).pathExtension)
      }
    }
    self.files = files
  }

  /// Refuses files that lie where the run itself writes: it would move or remove what it is made from.
  /// - Throws: ``DataError`` naming the key and the first such file.
  func refuseThose(in directory: URL) throws {
    var folders: [String: String] = [:]
    func resolved(_ folder: String) -> String {
      if let known = folders[folder] { return known }
      let found = URL(fileURLWithPath: folder, isDirectory: true).resolvingSymlinksInPath().path + "/"
      folders[folder] = found
      return found
    }
    let own = resolved(directory.path)
    for (key, all) in files.sorted(by: { $0.key < $1.key }) {
      for file in all {
        let url = URL(fileURLWithPath: file.path)
        let path = resolved(url.deletingLastPathComponent().path) + url.lastPathComponent
        guard path.hasPrefix(own), let first = path.dropFirst(own.count).split(separator: "/").first,
          RunDirectory.isWritten(String(first))
        else { continue }
        throw DataError(
          file: file.path,
          problem:
            "is read by \(key) and lies in run.output_dir (\(directory.path)), where the run writes and "
            + "replaces \(first); expected another run.output_dir, or a copy elsewhere")
      }
    }
  }

  /// Keys that name files outside a run; those of `data.image_root` are the pictures of `data.path`.
  package static let keys = [
    "data.path", "data.pairs", "data.eval_pairs", "data.image_root", "data.names", "model.path",
    "model.language_model", "compose.path",
  ]

  /// The files and folders that a source reads, those that Debian installs where none is named.
  private static func dataPlaces(_ data: RunConfiguration.Data) -> [String] {
    if let path = data.path { return [path] }
    let sources = data.source == .mixture ? data.shares.parts.map(\.source) : [data.source]
    return sources.compactMap { source in
      switch source {
      case .fashion: FashionMNIST.debianFolder
      case .emoji: ThingPictures.debianEmojiFont
      case .stamps: ThingPictures.debianStamps
      case .shapes, .llava, .mixture: nil
      }
    }
  }

  /// A file, or all files of a folder and of those in it.
  private static func below(_ path: String) -> [File] {
    guard let walk = FileManager.default.enumerator(atPath: path) else { return inside(path) }
    let names = walk.compactMap { $0 as? String }.sorted()
    return names.isEmpty ? inside(path) : present(names, in: path)
  }

  private static func present(_ names: [String], in folder: String) -> [File] {
    names.map { "\(folder)/\($0)" }.filter { Stamp($0) != nil }.map { File($0, in: folder) }
  }

  /// A file, or the files of a folder without those of folders in it.
  private static func inside(_ path: String) -> [File] {
    guard let names = try? FileManager.default.contentsOfDirectory(atPath: path) else {
      return Stamp(path) == nil ? [] : [File(path, in: "")]
    }
    return present(names.filter { !$0.hasPrefix(".") }.sorted(), in: path)
  }

  /// Tells one content of a file from another without reading it.
  fileprivate struct Stamp: Hashable, Sendable {
    var (path, size, changed): (String, Int, Int)

    /// - Returns: nil for what is no file.
    init?(_ path: String) {
      var status = stat()
      guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
      (self.path, size) = (path, Int(status.st_size))
      changed = status.st_mtim.tv_sec * 1_000_000_000 + status.st_mtim.tv_nsec
    }

    init(path: String, size: Int, changed: Int) {
      (self.path, self.size, self.changed) = (path, size, changed)
    }
  }

  /// The files as they are when a run begins: what it reads of them later has to be the same.
  package struct AtStart: Sendable {
    fileprivate var stamps: [String: Stamp] = [:]
    fileprivate var models: [String] = []

    /// - Throws: ``DataError`` naming a file that is another one than when the run began, or not there any
    ///   more. A path that is none of these files is nobody's concern.
    package func requireUnchanged(_ path: String) throws {
      guard let stamp = stamps[path] else { return }
      let now = Stamp(path)
      if now == stamp { return }
      if now?.size == stamp.size, let digits = OutsideFiles.known.withLock({ $0[stamp] }),
        let found = try? StoredBytes.checksum(of: URL(fileURLWithPath: path)).crc32,
        CRC32.digits(found) == digits
      {
        return
      }
      throw DataError(
        file: path,
        problem: "found \(now == nil ? "no file" : "another content"), expected what the file was when the "
          + "run began; nothing is made of it, and the run goes on when it is started again")
    }

    /// The same for the files of a model to begin with.
    package func requireUnchangedModel() throws { try models.forEach(requireUnchanged) }
  }

  /// Notes how the files are.
  package func atStart() -> AtStart {
    AtStart(
      stamps: Dictionary(
        files.values.joined().compactMap { file in Stamp(file.path).map { (file.path, $0) } },
        uniquingKeysWith: { first, _ in first }),
      models: ["model.path", "model.language_model"].flatMap { files[$0]?.map(\.path) ?? [] })
  }

  /// What this process has read: the runs of a suite look at the same files.
  private static let known = Mutex<[Stamp: String]>([:])

  /// A digest of the names and contents of the files of each key.
  ///
  /// A file that is as large and as old as when it was read for a run is not read again.
  package func digests(remembering directory: URL) -> [String: String] {
    guard !files.isEmpty else { return [:] }
    let remembered = Self.remembered(in: directory).merging(Self.known.withLock { $0 }) { $1 }
    let stamps = files.mapValues { $0.map { (name: $0.name, stamp: Stamp($0.path)) } }
    let open = Array(Set(stamps.values.joined().compactMap(\.stamp)).filter { remembered[$0] == nil })
    let read = concurrently(open.count) { index in
      CRC32.digits(try StoredBytes.checksum(of: URL(fileURLWithPath: open[index].path)).crc32)
    }
    var digits = remembered
    for (stamp, result) in zip(open, read) { digits[stamp] = try? result.get() }
    Self.known.withLock { [digits] in $0.merge(digits) { $1 } }
    return stamps.mapValues { all in
      // What cannot be read is another matter, and told where it is needed.
      Digest.of(
        all.map { name, stamp in "\(name) \(stamp.flatMap { digits[$0] } ?? "-")" }.joined(separator: "\n"))
    }
  }

  private static func remembered(in directory: URL) -> [Stamp: String] {
    guard let text = try? String(contentsOf: directory.appendingPathComponent(memory), encoding: .utf8),
      let end = text.firstIndex(of: "\n"), Digest.of(String(text[text.index(after: end)...])) == text[..<end]
    else { return [:] }
    var found: [Stamp: String] = [:]
    for line in text[text.index(after: end)...].split(separator: "\n") {
      let parts = line.split(separator: " ", maxSplits: 3)
      guard parts.count == 4, let size = Int(parts[0]), let changed = Int(parts[1]) else { continue }
      found[Stamp(path: String(parts[3]), size: size, changed: changed)] = String(parts[2])
    }
    return found
  }

  /// Writes down what the files hold, with a digest of the list as its first line.
  func remember(in directory: URL) throws {
    let known = Self.known.withLock { $0 }
    let lines = Set(files.values.joined().map(\.path)).sorted().compactMap { path -> String? in
      // A path with a line break would read as two.
      guard !path.contains("\n"), let stamp = Stamp(path), let digits = known[stamp] else { return nil }
      return "\(stamp.size) \(stamp.changed) \(digits) \(path)\n"
    }
    guard !lines.isEmpty else { return }
    let text = lines.joined()
    let data = Data((Digest.of(text) + "\n" + text).utf8)
    let file = directory.appendingPathComponent(Self.memory)
    guard (try? Data(contentsOf: file)) != data else { return }
    try AtomicFile.write(data, to: file)
  }
}
