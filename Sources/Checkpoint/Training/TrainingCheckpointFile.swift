import Foundation

extension TrainingCheckpoint {
  /// Writes the state in one step: a kill or a full disk leaves the earlier file as it was.
  /// - Throws: ``CheckpointError`` of kind `cannotWrite`, also for names that cannot be paths.
  public func write(to url: URL) throws {
    try HDF5File.write(to: url) { file in
      try file.setAttribute("format_version", .integer(Int64(Self.formatVersion)))
      try file.setAttribute("configuration", .string(configuration))
      try file.setAttribute("configuration_hash", .string(configurationHash))
      try file.setAttribute("code_version", .string(codeVersion))
      if !baseHash.isEmpty { try file.setAttribute("base_hash", .string(baseHash)) }
      try Self.write(model, to: "/model", of: file)
      try Self.write(optimizer, to: "/optimizer", of: file)
      try file.createGroup("/random")
      for (name, state) in random.sorted(by: { $0.key < $1.key }) {
        try file.write(StoredArray(state), to: "/random/\(try Self.component(name, "/random", url))")
      }
      try file.createGroup("/progress")
      for (name, value) in progress.sorted(by: { $0.key < $1.key }) {
        try file.setAttribute(name, value.attribute, on: "/progress")
      }
    }
  }

  /// Reads a state that ``write(to:)`` wrote.
  /// - Throws: ``CheckpointError``: `cannotOpen`, `wrongFormat` when it is not HDF5 or no checkpoint,
  ///   `damaged` when cut short or without its own checksums, `otherVersion`, `missing` for an absent part.
  public init(reading url: URL) throws {
    var model: [Entry] = []
    try self.init(reading: url) { model.append($0) }
    self.model = model
  }

  /// Reads a state whose parameters go where they belong one after the other, so that they never lie in
  /// memory twice; ``model`` stays empty.
  /// - Parameters:
  ///   - check: looks at everything but parameters and optimizer, before any of them is read.
  ///   - take: takes a parameter.
  /// - Throws: as ``init(reading:)``, and what `check` and `take` throw.
  public init(
    reading url: URL, check: (TrainingCheckpoint) throws -> Void = { _ in }, take: (Entry) throws -> Void
  ) throws {
    let file = try HDF5File(reading: url)
    try Self.requireFormat(file)
    // Both are there before anything is handed over.
    for group in ["/model", "/optimizer"] { _ = try file.datasets(under: group) }
    try self.init(
      model: [], random: Self.readRandom(file), progress: Self.readProgress(file),
      configuration: Self.text("configuration", of: file),
      configurationHash: Self.text("configuration_hash", of: file),
      codeVersion: Self.text("code_version", of: file),
      baseHash: file.attribute("base_hash") == nil ? "" : Self.text("base_hash", of: file))
    try check(self)
    try Self.forEachEntry("/model", of: file, take)
    try Self.forEachEntry("/optimizer", of: file) { optimizer.append($0) }
  }

  /// Reads only the parameters, for callers that do not go on training.
  /// - Throws: as ``init(reading:)``.
  public static func readModel(_ url: URL) throws -> [Entry] {
    let file = try HDF5File(reading: url)
    try requireFormat(file)
    return try readEntries("/model", of: file)
  }

  private static func requireFormat(_ file: HDF5File) throws {
    switch try file.attribute("format_version") {
    case .integer(1)?: return
    case .integer(Int64(formatVersion))?:
      guard file.hasChecksums else {
        throw CheckpointError(
          .damaged, file: file.url.path, found: "no checksum",
          expected: "the attribute `\(HDF5Checksums.contentsName)` of version \(formatVersion)")
      }
    case .integer(let other)?:
      throw CheckpointError(
        .otherVersion, file: file.url.path, at: "format_version", found: "version \(other)",
        expected: "version 1 to \(formatVersion)")
    default:
      throw CheckpointError(
        .wrongFormat, file: file.url.path, found: "an HDF5 file without the attribute `format_version`",
        expected: "a training checkpoint")
    }
  }

  private static func write(_ entries: [Entry], to group: String, of file: HDF5Writer) throws {
    try file.createGroup(group)
    for entry in entries {
      let path = try entry.name.split(separator: ".", omittingEmptySubsequences: false)
        .map { try component(String($0), "\(group)/\(entry.name)", file.url) }
      try file.write(entry.tensor, to: "\(group)/\(path.joined(separator: "/"))")
    }
  }

  private static func component(_ name: String, _ place: String, _ url: URL) throws -> String {
    guard !name.isEmpty, name != ".", !name.contains("/"), !name.utf8.contains(0) else {
      throw CheckpointError(
        .cannotWrite, file: url.path, at: place, found: "the name part `\(name)`",
        expected: "text without slash between the dots")
    }
    return name
  }

  private static func readEntries(_ group: String, of file: HDF5File) throws -> [Entry] {
    var entries: [Entry] = []
    try forEachEntry(group, of: file) { entries.append($0) }
    return entries
  }

  private static func forEachEntry(
    _ group: String, of file: HDF5File, _ take: (Entry) throws -> Void
  ) throws {
    for path in try file.datasets(under: group) {
      try take((path.split(separator: "/").joined(separator: "."), try file.tensor("\(group)/\(path)")))
    }
  }

  private static func readRandom(_ file: HDF5File) throws -> [String: [UInt64]] {
    var result: [String: [UInt64]] = [:]
    for entry in try file.entries(in: "/random") {
      let array = try file.read("/random/\(entry.name)")
      guard let state = array.scalars(of: UInt64.self) else {
        throw CheckpointError(
          .mismatch, file: file.url.path, at: "/random/\(entry.name)", found: "\(array.elementType) values",
          expected: "uint64 values")
      }
      result[entry.name] = state
    }
    return result
  }

  private static func readProgress(_ file: HDF5File) throws -> [String: Progress] {
    var result: [String: Progress] = [:]
    for (name, value) in try file.attributes(on: "/progress") {
      switch value {
      case .integer(let value): result[name] = .integer(value)
      case .real(let value): result[name] = .real(value)
      case .string(let value): result[name] = .text(value)
      default:
        throw CheckpointError(
          .mismatch, file: file.url.path, at: "/progress@\(name)", found: "a list or a truth value",
          expected: "one number or text")
      }
    }
    return result
  }

  private static func text(_ name: String, of file: HDF5File) throws -> String {
    guard case .string(let text)? = try file.attribute(name) else {
      throw CheckpointError(
        .missing, file: file.url.path, at: "/@\(name)", found: "no such attribute", expected: "text")
    }
    return text
  }
}

extension TrainingCheckpoint.Progress {
  fileprivate var attribute: HDF5Attribute {
    switch self {
    case .integer(let value): .integer(value)
    case .real(let value): .real(value)
    case .text(let value): .string(value)
    }
  }
}
