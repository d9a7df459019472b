import Foundation
import Tensor

/// A tensor on its way to or from the peer.
struct PeerOperand: Codable {
  var dtype: String
  var shape: [Int]
  /// The elements, separated by spaces.
  var data: String
  /// Python text that follows the tensor, such as `.permute((1, 0,))`.
  var view = ""

  static func text(_ values: [Double]) -> String { values.map { "\($0)" }.joined(separator: " ") }

  var values: [Double] { data.split(separator: " ").map { Double($0) ?? .nan } }
}

/// A Python with PyTorch that evaluates one expression after the other.
final class Peer {
  struct Request: Codable {
    var expression: String
    var operands: [PeerOperand]
    /// The gradient fed into `backward`; nil when none is wanted.
    var cotangent: PeerOperand?
  }

  struct Reply: Codable {
    var result: PeerOperand?
    var gradients: [PeerOperand]?
    var error: String?
  }

  private let process = Process()
  private let input = Pipe()
  private let output = Pipe()
  private var pending = Data()
  /// What the peer says it is.
  private(set) var version = ""

  /// Starts the peer.
  /// - Throws: ``PeerError`` when it does not answer.
  init(python: String) throws {
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [python, "-c", Self.program]
    process.standardInput = input
    process.standardOutput = output
    try process.run()
    version = String(decoding: try line(), as: UTF8.self)
  }

  /// Evaluates a case.
  func answer(_ request: Request) throws -> Reply {
    try input.fileHandleForWriting.write(contentsOf: JSONEncoder().encode(request) + [UInt8(ascii: "\n")])
    return try JSONDecoder().decode(Reply.self, from: line())
  }

  private func line() throws -> Data {
    while true {
      if let end = pending.firstIndex(of: UInt8(ascii: "\n")) {
        let line = Data(pending[..<end])
        pending = Data(pending[(end + 1)...])
        return line
      }
      let more = output.fileHandleForReading.availableData
      guard !more.isEmpty else { throw PeerError() }
      pending += more
    }
  }

  private static let program = """
    import json, sys, torch
    import torch.nn.functional as F
    torch.set_num_threads(1)
    def tensor(o):
        values = [float(v) for v in o["data"].split()]
        return torch.tensor(values, dtype=torch.float64).reshape(o["shape"]).to(getattr(torch, o["dtype"]))
    def message(t):
        t = t.detach()
        values = t.to(torch.float64).flatten().tolist()
        return {"dtype": str(t.dtype)[6:], "shape": list(t.shape), "data": " ".join(map(repr, values)), "view": ""}
    print("torch " + torch.__version__, flush=True)
    for line in sys.stdin:
        case = json.loads(line)
        try:
            stored = [tensor(o) for o in case["operands"]]
            wanted = case.get("cotangent")
            if wanted:
                for t in stored:
                    if t.is_floating_point():
                        t.requires_grad_()
            x = [eval("t" + o["view"], {"t": t}) for t, o in zip(stored, case["operands"])]
            result = eval(case["expression"], {"torch": torch, "F": F, "x": x})
            reply = {"result": message(result)}
            if wanted:
                result.backward(tensor(wanted).to(result.dtype))
                reply["gradients"] = [message(t.grad if t.grad is not None else torch.zeros_like(t)) for t in stored]
        except Exception as error:
            reply = {"error": f"{type(error).__name__}: {error}".splitlines()[0]}
        print(json.dumps(reply), flush=True)
    """
}

/// The peer has ended or never began.
struct PeerError: Error, CustomStringConvertible {
  var description: String { "the Python program ended; expected a Python with torch (--python PATH)" }
}
