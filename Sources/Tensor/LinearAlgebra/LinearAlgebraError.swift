/// A matrix for which an operation of linear algebra has no result.
///
///     do {
///       let factor = try covariance.cholesky()
///     } catch let error as LinearAlgebraError {
///       print(error)   // cholesky: matrix 3 of the batch is not positive definite: leading minor of order 2
///     }
public struct LinearAlgebraError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What is wrong with the matrix.
  public enum Reason: Sendable, Equatable {
    /// The leading minor of this order, counted from 1, is not positive.
    case notPositiveDefinite(leadingMinor: Int)
    /// The pivot or diagonal element of this number, counted from 0, is exactly zero.
    case singular(pivot: Int)
    /// The iteration ended with this many values not found.
    case notConverged(remaining: Int)
    /// The element at this row and column is infinite or not a number.
    case notFinite(row: Int, column: Int, value: Double)
  }

  /// The operation, as called.
  public let operation: String
  /// The number of the matrix in the batch, in C order of the leading axes; 0 without leading axes.
  public let matrix: Int
  /// The leading axes; empty for a single matrix.
  public let batchShape: [Int]
  /// What was found.
  public let reason: Reason

  /// Creates an error of an operation.
  public init(operation: String, matrix: Int, batchShape: [Int], reason: Reason) {
    self.operation = operation
    self.matrix = matrix
    self.batchShape = batchShape
    self.reason = reason
  }

  public var description: String {
    let subject = batchShape.isEmpty ? "the matrix" : "matrix \(matrix) of the batch"
    let finding =
      switch reason {
      case .notPositiveDefinite(let order): "is not positive definite: leading minor of order \(order)"
      case .singular(let pivot): "is singular: pivot \(pivot) is zero"
      case .notConverged(let remaining): "did not converge: \(remaining) values were not found"
      case .notFinite(let row, let column, let value):
        "has an element that is not finite: \(value) at [\(row), \(column)]"
      }
    return "\(operation): \(subject) \(finding)"
  }
}
