import Foundation
import Tensor

/// A product `x Wᵀ` or of two square matrices by one call of OpenBLAS with its own threads, as a program
/// without this library would make it.
final class OpenBLASProduct {
  private typealias Product =
    @convention(c) (
      CInt, CInt, CInt, CInt, CInt, CInt, Float, UnsafePointer<Float>, CInt, UnsafePointer<Float>, CInt,
      Float,
      UnsafeMutablePointer<Float>, CInt
    ) -> Void
  private typealias SetThreads = @convention(c) (CInt) -> Void

  private let (rows, columns, terms): (CInt, CInt, CInt)
  private let isTransposed: Bool
  private let a: [Float]
  private let b: [Float]
  private var c: [Float]
  private let product: Product
  private let setThreads: SetThreads

  /// Nil when the library that the process has loaded does not have the functions.
  /// - Parameters:
  ///   - a: `[rows, terms]`.
  ///   - b: `[terms, columns]`, or `[columns, terms]` when it is transposed.
  init?(_ a: Tensor, _ b: Tensor, isTransposed: Bool = false) {
    guard let product = dlsym(nil, "cblas_sgemm"), let setThreads = dlsym(nil, "openblas_set_num_threads")
    else {
      return nil
    }
    self.product = unsafeBitCast(product, to: Product.self)
    self.setThreads = unsafeBitCast(setThreads, to: SetThreads.self)
    self.isTransposed = isTransposed
    (rows, columns, terms) = (CInt(a.shape[0]), CInt(b.shape[isTransposed ? 0 : 1]), CInt(a.shape[1]))
    self.a = a.array(of: Float.self)
    self.b = b.array(of: Float.self)
    c = [Float](repeating: 0, count: a.shape[0] * b.shape[isTransposed ? 0 : 1])
  }

  func run() {
    let (rowMajor, plain, transposed) = (CInt(101), CInt(111), CInt(112))
    setThreads(CInt(Threads.count))
    product(
      rowMajor, plain, isTransposed ? transposed : plain, rows, columns, terms, 1, a, terms, b,
      isTransposed ? terms : columns, 0, &c, columns)
    setThreads(1)
  }
}
