import Foundation
import Tensor

/// A file of named tensors that are read when asked for, of any format that models are kept in.
package protocol TensorFile: Sendable {
  /// Where the file is.
  var url: URL { get }
  /// Name, element type and shape of every tensor.
  var descriptions: [(name: String, elementType: ElementType, shape: [Int])] { get }

  /// A tensor in any type.
  /// - Throws: ``CheckpointError``.
  func tensor(_ name: String, as dtype: DType) throws -> Tensor

  /// A tensor where it lies in the file, nil where it does not lie there in this type.
  /// - Throws: ``CheckpointError``.
  func mapped(_ name: String, as dtype: DType) throws -> Tensor?

  /// Calls `body` with the bytes of a tensor in C order, in pieces, front to back.
  /// - Throws: ``CheckpointError``, or what `body` throws.
  func forEachPiece(of name: String, _ body: (UnsafeRawBufferPointer) throws -> Void) throws
}

extension TensorFile {
  package func mapped(_ name: String, as dtype: DType) throws -> Tensor? { nil }
}

extension SafeTensorsFile: TensorFile {
  package var descriptions: [(name: String, elementType: ElementType, shape: [Int])] {
    entries.map { ($0.name, $0.elementType, $0.shape) }
  }
}

extension PyTorchFile: TensorFile {
  package var descriptions: [(name: String, elementType: ElementType, shape: [Int])] {
    entries.map { ($0.name, $0.elementType, $0.shape) }
  }
}
