import Foundation

/// A kind of cases that a folder may hold.
protocol ConformanceSuite {
  /// The files it reads; a folder with one of them must have all.
  static var files: [String] { get }

  /// Runs the cases of a folder in their order.
  /// - Returns: what there is to say at the end, beside the counts of all suites.
  /// - Throws: when a file cannot be read; a case that fails is reported, not thrown.
  static func run(_ directory: URL, _ report: (CaseReport) -> Void) throws -> [String]
}

/// Why a case or the whole run cannot be judged.
struct ConformanceError: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
