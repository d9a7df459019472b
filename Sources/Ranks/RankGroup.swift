import Foundation

/// Processes of one program that work on one run together, numbered from 0.
///
/// Every call is made by all of them, in the same order. What a network may do in any order is left out: sums
/// are made of what is exchanged (``OrderedSum``), so that they have the same bits whatever carries them.
public protocol RankGroup: AnyObject {
  /// The number of this process.
  var rank: Int { get }
  /// How many processes there are.
  var count: Int { get }

  /// What every rank gives, in the order of ranks; of any length each.
  /// - Parameter patience: seconds for which a rank that was asked to end still waits for the others; nil
  ///   waits as long as it takes.
  /// - Throws: ``RankError``.
  func gather(_ own: [UInt8], patience: Double?) throws -> [[UInt8]]

  /// Sends piece *j* of `own` to rank *j*, and puts the pieces that arrive one after the other in the order
  /// of ranks.
  /// - Parameters:
  ///   - pieces: where the pieces of `own` are; all ranks say the same.
  ///   - received: room for `count` pieces as long as this rank's.
  /// - Throws: ``RankError``.
  func exchange(
    _ own: UnsafeBufferPointer<Float>, pieces: [Range<Int>], received: UnsafeMutableBufferPointer<Float>)
    throws

  /// Fills every rank's buffer with the pieces that the other ranks have in theirs.
  /// - Throws: ``RankError``.
  func spread(_ all: UnsafeMutableBufferPointer<Float>, pieces: [Range<Int>]) throws

  /// Ends all processes at once, wherever they are.
  func abort(status: Int32) -> Never

  /// Leaves the group in order; the last call.
  func leave()
}

/// What went wrong among ranks.
public enum RankError: Error, Equatable, CustomStringConvertible {
  /// A call of the library failed.
  case library(String, Int32)
  /// This rank was asked to end, and the others were busy elsewhere.
  case askedToEnd
  /// What cannot be done over these ranks, or what they differ in, as one sentence.
  case refused(String)
  /// Rank 0 stopped, and says itself why.
  case leadStopped

  public var description: String {
    switch self {
    case .library(let call, let code): "\(call) failed with code \(code)"
    case .askedToEnd: "was asked to end while the others were busy elsewhere"
    case .refused(let sentence): sentence
    case .leadStopped: "rank 0 stopped"
    }
  }
}

/// A process that works alone.
public final class SingleRank: RankGroup {
  public let rank = 0
  public let count = 1

  /// A group of one.
  public init() {}

  public func gather(_ own: [UInt8], patience: Double?) -> [[UInt8]] { [own] }

  public func exchange(
    _ own: UnsafeBufferPointer<Float>, pieces: [Range<Int>], received: UnsafeMutableBufferPointer<Float>
  ) {
    for (place, index) in pieces[0].enumerated() { received[place] = own[index] }
  }

  public func spread(_ all: UnsafeMutableBufferPointer<Float>, pieces: [Range<Int>]) {}

  public func abort(status: Int32) -> Never {
    fflush(nil)
    _exit(status)
  }

  public func leave() {}
}
