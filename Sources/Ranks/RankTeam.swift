import Foundation
import Records

/// This process among those that train one run together: what they agree in, and how they end together.
///
/// Rank 0, the lead, does whatever is done once: it writes, and talks to the user. A process alone is a team
/// of one, which asks nobody.
public final class RankTeam {
  /// How long a rank that was asked to end waits for the lead to end the run in order, in seconds.
  public static let patience = 30.0

  /// Who carries what is said.
  public let group: any RankGroup
  /// The machine of each rank.
  public let hosts: [String]
  /// Whether all ranks know that the run ends here: by a signal, or by an error that all of them have.
  public private(set) var hasAgreedToEnd = false

  /// A team over a group.
  /// - Throws: ``RankError``.
  public init(_ group: any RankGroup) throws {
    self.group = group
    hosts = try group.gather(Array(ProcessInfo.processInfo.hostName.utf8), patience: nil).map {
      String(decoding: $0, as: UTF8.self)
    }
  }

  private init() { (group, hosts) = (SingleRank(), [""]) }

  /// A process that works alone.
  public static var alone: RankTeam { RankTeam() }

  /// The number of this process.
  public var rank: Int { group.rank }
  /// How many there are.
  public var count: Int { group.count }
  /// Whether this process does what is done once.
  public var isLead: Bool { group.rank == 0 }
  /// Whether there is nobody else.
  public var isAlone: Bool { group.count == 1 }

  /// What a rank is called in messages.
  public func name(_ rank: Int) -> String { "rank \(rank) of \(count) on \(hosts[rank])" }

  // MARK: What the lead does for all

  /// What the lead computes, on every rank.
  /// - Throws: on the lead what `body` throws, on the others ``RankError/leadStopped``; all have then agreed
  ///   to end.
  public func shared(patience: Double? = nil, _ body: () throws -> [UInt8]) throws -> [UInt8] {
    guard !isAlone else { return try body() }
    guard isLead else {
      let said = try group.gather([], patience: patience)[0]
      guard said.first == 1 else {
        hasAgreedToEnd = true
        throw RankError.leadStopped
      }
      return Array(said.dropFirst())
    }
    let bytes: [UInt8]
    do {
      bytes = try body()
    } catch {
      hasAgreedToEnd = true
      _ = try group.gather([0], patience: nil)
      throw error
    }
    _ = try group.gather([1] + bytes, patience: nil)
    return bytes
  }

  /// Numbers that the lead computes, with their bits, on every rank.
  /// - Throws: as ``shared(patience:_:)``.
  public func sharedNumbers(_ body: () throws -> [Double]) throws -> [Double] {
    guard !isAlone else { return try body() }
    return Self.numbers(try shared { Self.bytes(try body()) })
  }

  /// The numbers that every rank gives, in the order of ranks.
  /// - Throws: ``RankError``.
  public func numbers(_ own: [Double]) throws -> [[Double]] {
    guard !isAlone else { return [own] }
    return try group.gather(Self.bytes(own), patience: nil).map(Self.numbers)
  }

  private static func bytes(_ numbers: [Double]) -> [UInt8] { numbers.withUnsafeBytes { Array($0) } }

  private static func numbers(_ bytes: [UInt8]) -> [Double] {
    bytes.withUnsafeBytes { bytes in
      (0..<bytes.count / 8).map { bytes.loadUnaligned(fromByteOffset: 8 * $0, as: Double.self) }
    }
  }

  // MARK: What all agree in

  /// Runs something on every rank; where one of them fails, all do.
  /// - Throws: on the lead its own error, or that of the first other rank with its name; on the others
  ///   ``RankError/leadStopped``.
  public func agreed<Value>(_ body: () throws -> Value) throws -> Value {
    guard !isAlone else { return try body() }
    let result = Result { try body() }
    var words: [UInt8] = []
    if case .failure(let error) = result { words = [1] + Array(Self.words(of: error).utf8) }
    let all = try group.gather(words, patience: nil)
    guard let failed = all.firstIndex(where: { !$0.isEmpty }) else { return try result.get() }
    hasAgreedToEnd = true
    guard isLead else { throw RankError.leadStopped }
    _ = try result.get()
    throw RankError.refused("\(name(failed)): \(String(decoding: all[failed].dropFirst(), as: UTF8.self))")
  }

  /// Compares what has to be the same on every rank, such as the number of threads.
  /// - Parameter values: names and values; what is there on one rank alone differs.
  /// - Throws: ``RankError/refused(_:)`` on the lead, with the first name that differs and the first rank on
  ///   which it does; ``RankError/leadStopped`` on the others.
  public func requireSame(_ values: [(name: String, value: String)]) throws {
    guard !isAlone else { return }
    let own = values.map { "\($0.name)\u{1F}\($0.value)" }.joined(separator: "\u{1E}")
    let all = try group.gather(Array(own.utf8), patience: nil).map { bytes in
      String(decoding: bytes, as: UTF8.self).split(separator: "\u{1E}").map { entry in
        entry.split(separator: "\u{1F}", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      }
    }
    for (rank, theirs) in all.enumerated() where theirs != all[0] {
      hasAgreedToEnd = true
      guard isLead else { throw RankError.leadStopped }
      let known = Dictionary(all[0].map { ($0[0], $0[1]) }) { first, _ in first }
      let other = Dictionary(theirs.map { ($0[0], $0[1]) }) { first, _ in first }
      let name = (all[0] + theirs).map { $0[0] }.first { known[$0] != other[$0] } ?? ""
      throw RankError.refused(
        "\(self.name(rank)): found \(name) \(other[name] ?? "absent"), expected \(known[name] ?? "absent") "
          + "as on rank 0")
    }
  }

  /// Whether a rank was asked to end; all of them then have the signal that it had.
  /// - Throws: ``RankError``.
  public func isAskedToEnd() throws -> Bool {
    guard !isAlone else { return Interruption.isRequested }
    let own = Interruption.isRequested ? UInt8(clamping: Interruption.exitStatus - 128) : 0
    let all = try group.gather([own], patience: nil)
    guard let signal = all.map({ $0[0] }).first(where: { $0 != 0 }) else { return false }
    if !Interruption.isRequested { Interruption.request(Int32(signal)) }
    hasAgreedToEnd = true
    return true
  }

  /// Notes that all ranks have come to the same error.
  public func agreeToEnd() { hasAgreedToEnd = true }

  /// Runs what all ranks do in step: an error of which the others do not know ends them all.
  /// - Throws: errors that all ranks have, or know of.
  public func together(_ body: () throws -> Void) throws {
    do {
      try body()
    } catch {
      if isAlone || hasAgreedToEnd { throw error }
      fail(error)
    }
  }

  /// Ends all ranks because of an error that this one alone has.
  public func fail(_ error: any Error) -> Never {
    let text = "error: \(name(rank)): \(Self.words(of: error))\n"
    try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
    group.abort(status: error is InterruptedRun ? Interruption.exitStatus : 1)
  }

  private static func words(of error: any Error) -> String {
    if error is CocoaError || error is POSIXError || type(of: error) == NSError.self {
      return error.localizedDescription
    }
    return "\(error)"
  }
}
