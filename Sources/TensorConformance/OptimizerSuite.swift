import Checkpoint
import Foundation
import Tensor
import TestSupport

/// The cases of `optim.h5`: parameters after each step of an optimizer and its last state, and learning rates
/// of schedules.
enum OptimizerSuite: ConformanceSuite {
  static let files = ["optim.h5"]

  static func run(_ directory: URL, _ report: (CaseReport) -> Void) throws -> [String] {
    let golden = try GoldenFile(directory.appendingPathComponent("optim.h5"))
    let names = try golden.names(in: "/").filter { !["x0", "grads", "schedule"].contains($0) }
    for name in names {
      report(CaseReport(name: "optim.\(name)") { try compare(name, golden, &$0) })
    }
    for name in try golden.has("schedule") ? try golden.names(in: "schedule") : [] {
      report(
        CaseReport(name: "schedule.\(name)") { item in
          let schedule = try OptimizerCases.schedule(name, golden.attributes(on: "schedule"))
          let steps = try golden.tensor("schedule/\(name)").count
          let rates = Tensor((0..<steps).map { schedule.rate(step: $0) })
          item.add("rates", try golden.deviation(of: rates, from: "schedule/\(name)"))
        })
    }
    return []
  }

  /// Takes a step for every stored gradient and compares the parameters after each, then the state.
  private static func compare(_ name: String, _ golden: GoldenFile, _ item: inout CaseReport) throws {
    let optimizer = try OptimizerCases.optimizer(name, golden.attributes(on: name))
    let parameter = Parameter(try golden.tensor("x0"))
    let gradients = try golden.tensor("grads")
    var path: [Tensor] = []
    for step in 0..<gradients.shape[0] {
      var found = Gradients()
      found[parameter] = gradients[step]
      optimizer.step([("p", parameter)], found)
      path.append(parameter.tensor.detached())
    }
    item.add("params", try golden.deviation(of: Tensor.stacked(path), from: "\(name)/params"))
    let state = Dictionary(uniqueKeysWithValues: optimizer.namedState().map { ($0.name, $0.tensor) })
    for entry in try golden.names(in: name) where entry != "params" {
      guard let tensor = state["p.\(entry)"] else {
        item.fail("no state `\(entry)`")
        continue
      }
      item.add(entry, try golden.deviation(of: tensor, from: "\(name)/\(entry)"))
    }
  }
}
