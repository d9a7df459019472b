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
  /// - Throws: as ``read(_:)``.
  public func tensor(_ path: String) throws -> Tensor {
    let (elementType, shape) = try checkedDescription(of: path)
    return try Tensor(elementType, shape: shape) { try read(path, as: elementType, into: $0) }
  }
}
