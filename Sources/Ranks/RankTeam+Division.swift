import Foundation
import Records

extension RankTeam {
  /// Works through pieces of which rank *r* of *N* takes every *N*-th, and keeps what comes of them on the
  /// lead, in their order.
  ///
  /// Each piece comes out the same whoever computes it, and so does the whole on any number of ranks.
  /// - Parameters:
  ///   - pieces: the numbers of those that are left to do, as the lead knows them.
  ///   - stop: throws what a run that was asked to end stops with; called on every rank.
  ///   - compute: what comes of a piece.
  ///   - sent: its bytes, and back.
  ///   - keep: takes what came of the next piece; called on the lead.
  /// - Throws: what `stop` throws, which all ranks then throw; what `compute` and `keep` throw, of which the
  ///   others do not know; ``RankError``.
  public func divide<Outcome>(
    _ pieces: [Int], stop: () throws -> Void, compute: (Int) throws -> Outcome,
    sent: (encode: (Outcome) -> [UInt8], decode: ([UInt8]) throws -> Outcome),
    keep: (Outcome) throws -> Void
  ) throws {
    let pieces = try sharedNumbers { pieces.map(Double.init) }.map { Int($0) }
    for first in stride(from: 0, to: pieces.count, by: count) {
      if try isAskedToEnd() { try stop() }
      let own = first + rank < pieces.count ? try compute(pieces[first + rank]) : nil
      guard !isAlone else {
        if let own { try keep(own) }
        continue
      }
      let all = try group.gather(isLead ? [] : own.map(sent.encode) ?? [], patience: nil)
      guard isLead, let own else { continue }
      try keep(own)
      for bytes in all.prefix(pieces.count - first).dropFirst() { try keep(try sent.decode(bytes)) }
    }
  }

  /// The same of pieces that make rows of a file.
  /// - Throws: as ``divide(_:stop:compute:sent:keep:)``.
  public func divide<Row: JSONRow>(
    _ pieces: [Int], stop: () throws -> Void, compute: (Int) throws -> [Row], keep: ([Row]) throws -> Void
  ) throws {
    try divide(
      pieces, stop: stop, compute: compute,
      sent: (
        { Array($0.map(\.jsonLine).joined().utf8) },
        {
          try $0.split(separator: UInt8(ascii: "\n")).map {
            try JSONDecoder().decode(Row.self, from: Data($0))
          }
        }
      ), keep: keep)
  }
}
