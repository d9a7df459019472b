import Checkpoint
import Foundation
import Tensor
import TestSupport

/// The cases of `linalg.h5`: decompositions, solvers and their gradients.
enum LinearAlgebraSuite: ConformanceSuite {
  static let files = ["linalg.h5"]

  static func run(_ directory: URL, _ report: (CaseReport) -> Void) throws {
    let golden = try GoldenFile(directory.appendingPathComponent("linalg.h5"))
    for name in try golden.names(in: "/") {
      report(CaseReport(name: "linalg.\(name)", failure: "no such operation"))
    }
  }
}
