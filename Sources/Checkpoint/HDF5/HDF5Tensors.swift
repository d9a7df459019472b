import Foundation
import Tensor

extension HDF5Writer {
  /// Writes a tensor as a new contiguous dataset, making the groups above it.
  /// - Throws: ``CheckpointError`` of kind `cannotWrite`, also when the name is taken.
  public func write(_ tensor: Tensor, to path: String) throws {
    try tensor.withElementBytes {
      try write($0, elementType: ElementType(tensor.dtype), shape: tensor.shape, to: path)
    }
  }
}

extension HDF5File {
  /// Reads a dataset as a tensor, straight into its memory.
  /// - Throws: as ``read(_:)``; `unsupported` for UInt64, which tensors do not have.
  public func tensor(_ path: String) throws -> Tensor {
    let (elementType, shape) = try checkedDescription(of: path)
    return try rethrowing(at: path) {
      try Tensor(elementType, shape: shape) { try read(path, as: elementType, into: $0) }
    }
  }

  private func rethrowing<Result>(at path: String, _ body: () throws -> Result) throws -> Result {
    do {
      return try body()
    } catch let error as NoTensorType {
      throw CheckpointError(
        .unsupported, file: url.path, at: path, found: "\(error.elementType) values",
        expected: "a type that tensors have")
    }
  }
}
