import Tensor

/// What the blocks of the decoder must know about the rows they are given.
struct DecoderPass {
  /// The rows that a block shall return when it is the last: a subset of those it is given.
  struct Outputs {
    var rows: Tensor
    var positions: [Int32]
    var lengths: [Int32]?
    /// Which of the rows stand for pictures, counted among them; nil for none.
    var imageRows: Tensor?
    var layout: AttentionLayout
  }

  /// Position of every row in its sequence.
  var positions: [Int32]
  /// Tokens of every row's sequence by the end of the pass, cached ones included; nil where nobody asks.
  var sequenceLengths: [Int32]?
  /// Which rows see which keys.
  var layout: AttentionLayout
  /// Rows that stand for pictures; nil where there are none.
  var imageRows: Tensor?
  /// In the last block, only these rows go beyond keys and values; nil for all.
  var outputs: Outputs?
  /// Keys and values of earlier rows, for generation.
  var cache: KeyValueCache?
  /// Called with the layer, its rotated queries and all its keys, and whether the queries are only the
  /// outputs.
  var observe: ((_ layer: Int, _ query: Tensor, _ key: Tensor, _ onlyOutputs: Bool) -> Void)?
  /// The layers in which ``observe`` does something.
  var observedLayers: Set<Int> = []

  /// Rows that stand for pictures, of all rows or of the outputs.
  func markedRows(of outputs: Outputs?) -> Tensor? {
    if let outputs { outputs.imageRows } else { imageRows }
  }
}

extension DecoderPass {
  /// A pass over all rows of a batch.
  /// - Parameter onlyOutputs: whether the last block computes only rows whose state somebody needs.
  init(_ batch: PackedBatch, onlyOutputs: Bool) {
    self.init(positions: batch.positions, layout: batch.layout)
    let lengths = batch.sequenceLengths
    sequenceLengths = lengths
    if !batch.imageRows.isEmpty { imageRows = Tensor(batch.imageRows) }
    if onlyOutputs {
      outputs = .init(
        rows: Tensor(batch.outputRows), positions: batch.outputPositions,
        lengths: batch.outputRows.map { lengths[Int($0)] }, layout: batch.outputLayout)
      // Only a prompt that ends with a picture has one.
      let marked = Set(batch.imageRows)
      let places = batch.outputRows.indices.filter { marked.contains(batch.outputRows[$0]) }
      if !places.isEmpty { outputs?.imageRows = Tensor(places.map(Int32.init)) }
    }
  }
}
