import Checkpoint
import Foundation
import TestSupport
import Testing

/// `tensor-conformance` as built beside these tests.
@Suite struct ConformanceRunnerTests {
  @Test func aCaseThatMakesNoSenseIsOneFailedLine() throws {
    try BuiltCommand.withFolder { folder in
      try HDF5File.write(to: folder.appendingPathComponent("ops.h5")) { file in
        try file.write(StoredArray([1, 2, 3, 4, 5, 6] as [Float], shape: [2, 3]), to: "x")
        try file.write(StoredArray([2, 4, 6, 8, 10, 12] as [Float], shape: [2, 3]), to: "twice")
      }
      let cases = """
        [{"name": "matmul", "expr": "a @ b", "attrs": {}, "inputs": [{"path": "x"}, {"path": "x"}],
          "outputs": [{"path": "twice", "shape": [2, 3]}]},
         {"name": "unheard_of", "inputs": [{"path": "x"}], "outputs": [{"path": "twice", "shape": [2, 3]}]},
         {"name": "add", "expr": "a + b", "attrs": {}, "inputs": [{"path": "x"}, {"path": "x"}],
          "outputs": [{"path": "twice", "shape": [2, 3]}]}]
        """
      try Data(cases.utf8).write(to: folder.appendingPathComponent("ops.json"))
      let result = try BuiltCommand.run([folder.path], of: "tensor-conformance")
      let lines = result.output.split(separator: "\n")
      #expect(result.status == 1)
      #expect(lines.count == 4)
      #expect(lines[0].hasPrefix("FAIL  matmul:") && lines[0].contains("[2, 3] and [2, 3]"), "\(lines)")
      #expect(lines[1].hasPrefix("FAIL  unheard_of:"))
      #expect(lines[2].hasPrefix("ok    add:"))
      #expect(lines[3] == "1 passed, 2 failed")
    }
  }
}
