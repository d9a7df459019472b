import Foundation
import Tensor

/// A product of square matrices by one call of OpenBLAS with its own threads, as a program without this
/// library would make it.
final class OpenBLASProduct {
  private typealias Product =
    @convention(c) (
      CInt, CInt, CInt, CInt, CInt, CInt, Float, UnsafePointer<Float>, CInt, UnsafePointer<Float>, CInt,
      Float,
      UnsafeMutablePointer<Float>, CInt
    ) -> Void
  private typealias SetThreads = @convention(c) (CInt) -> Void

  private let size: CInt
  private let a: [Float]
  private let b: [Float]
  private var c: [Float]
  private let product: Product
  private let setThreads: SetThreads

  /// Nil when the library that the process has loaded does not have the functions.
  init?(_ a: Tensor, _ b: Tensor) {
    guard let product = dlsym(nil, "cblas_sgemm"), let setThreads = dlsym(nil, "openblas_set_num_threads")
    else {
      return nil
    }
    self.product = unsafeBitCast(product, to: Product.self)
    self.setThreads = unsafeBitCast(setThreads, to: SetThreads.self)
    size = CInt(a.shape[0])
    self.a = a.array(of: Float.self)
    self.b = b.array(of: Float.self)
    c = [Float](repeating: 0, count: a.count)
  }

  func run() {
    let (rowMajor, plain) = (CInt(101), CInt(111))
    setThreads(CInt(Threads.count))
    product(rowMajor, plain, plain, size, size, size, 1, a, size, b, size, 0, &c, size)
    setThreads(1)
  }
}
