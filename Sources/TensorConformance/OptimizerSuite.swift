import Checkpoint
import Foundation
import Tensor
import TestSupport

/// The cases of `optim.h5`: parameters after each step of an optimizer, and learning rates of schedules.
enum OptimizerSuite: ConformanceSuite {
  static let files = ["optim.h5"]

  static func run(_ directory: URL, _ report: (CaseReport) -> Void) throws {
    let golden = try GoldenFile(directory.appendingPathComponent("optim.h5"))
    for name in try golden.names(in: "/") where try golden.has("\(name)/params") {
      report(CaseReport(name: "optim.\(name)", failure: "no such optimizer"))
    }
    for name in try golden.has("schedule") ? try golden.names(in: "schedule") : [] {
      report(CaseReport(name: "schedule.\(name)", failure: "no such schedule"))
    }
  }
}
