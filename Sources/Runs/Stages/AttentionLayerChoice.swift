import DPOTrain
import Foundation
import Records

/// A layer whose attention is to be penalised, but which nobody has chosen.
package enum AttentionLayerError: Error, Equatable, CustomStringConvertible {
  /// `select.layer` is `auto`, and no answers tell what it came to.
  case unknown(file: String)

  package var description: String {
    switch self {
    case .unknown(let file):
      "train.attention_layer: found null with select.layer auto, whose choice \(file) does not tell; "
        + "expected a layer, or answers that were read with select.layer auto"
    }
  }
}

extension RunConfiguration {
  /// The decoder layer that `train.attention_weight` reads: its own key's, or the one that selection read.
  /// - Parameter layers: of the decoder.
  /// - Throws: ``AttentionLayerError`` where selection's choice is nowhere on file.
  package func attentionLayer(of layers: Int, ofRun directory: URL) throws -> Int {
    if let layer = (train.attentionLayer ?? select.layer).index(of: layers) { return layer }
    let file = directory.appendingPathComponent("select/\(AnsweringStep.file)")
    guard FileManager.default.fileExists(atPath: file.path),
      let layer = WidestLayer.read(by: try RowFile.read(from: file)), layer < layers
    else { throw AttentionLayerError.unknown(file: file.path) }
    return layer
  }
}
