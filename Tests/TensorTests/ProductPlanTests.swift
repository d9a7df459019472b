import Tensor
import Testing

/// Which kernel computes which product: a limit that moves is seen here.
@Suite("Plans of products") struct ProductPlanTests {
  /// One line of the table: a product, and its plan with one and with two threads.
  struct Row {
    var size: (m: Int, n: Int, k: Int)
    /// Whether `a` and `b` are transposed: `NT` is a linear layer with its weight.
    var layout: String
    var type: ProductPlan.Operand
    var one: String
    var two: String

    init(
      _ m: Int, _ n: Int, _ k: Int, _ layout: String, _ type: ProductPlan.Operand, _ one: String,
      _ two: String
    ) {
      (size, self.layout, self.type, self.one, self.two) = ((m, n, k), layout, type, one, two)
    }

    init(_ m: Int, _ n: Int, _ k: Int, _ layout: String, _ one: String, _ two: String) {
      self.init(m, n, k, layout, .float32, one, two)
    }

    func plan(threads: Int, isInParallelRegion: Bool = false, own: ProductPlan.OwnKernels) -> ProductPlan {
      ProductPlan(
        m: size.m, n: size.n, k: size.k, transA: layout.first == "T", transB: layout.last == "T", type: type,
        threads: threads, isInParallelRegion: isInParallelRegion, own: own)
    }
  }

  private static let all = ProductPlan.OwnKernels(rows: true, packed: true)

  /// `kernel`, `kernel shared`, or `columns 320 of kernel, last kernel`.
  private func text(_ plan: ProductPlan) -> String {
    let last = plan.lastKernel == plan.kernel ? "" : ", last \(plan.lastKernel)"
    return switch plan.division {
    case .none: "\(plan.kernel)"
    case .byKernel: "\(plan.kernel) shared"
    case .columns(let size): "columns \(size) of \(plan.kernel)\(last)"
    case .rows(let size): "rows \(size) of \(plan.kernel)\(last)"
    }
  }

  private func check(_ rows: [Row], own: ProductPlan.OwnKernels) {
    for row in rows {
      let (one, two) = (row.plan(threads: 1, own: own), row.plan(threads: 2, own: own))
      let name = "\(row.size.m)×\(row.size.n)×\(row.size.k) \(row.layout) \(row.type)"
      print("\(name): \(text(one)) | \(text(two))")
      #expect(text(one) == row.one, "\(name), one thread")
      #expect(text(two) == row.two, "\(name), two threads")
      // In a parallel region a product stays on its thread.
      let inside = row.plan(threads: 2, isInParallelRegion: true, own: own)
      #expect(inside == one, "\(name), in a region")
    }
  }

  @Test func float32() {
    check(
      [
        // Nothing to do.
        Row(0, 5, 7, "NN", "nothing", "nothing"),
        Row(5, 0, 7, "NT", "nothing", "nothing"),
        Row(3, 4, 0, "NN", "scale", "scale"),
        Row(3000, 3000, 0, "NT", "scale", "scale"),
        // Few rows.
        Row(1, 1, 5, "NT", "fewRows", "fewRows"),
        Row(8, 8, 8, "NT", "fewRows", "fewRows"),
        Row(1, 255, 256, "NT", "fewRows", "fewRows"),
        Row(1, 256, 256, "NT", "fewRows", "columns 128 of fewRows"),
        Row(1, 576, 576, "NT", "fewRows", "columns 288 of fewRows"),
        Row(12, 1376, 512, "NT", "fewRows", "columns 688 of fewRows"),
        Row(13, 1376, 512, "NT", "packed", "packed shared"),
        Row(8, 8, 8, "TT", "library", "library"),
        // Few rows or terms of a matrix stored by rows.
        Row(1, 576, 576, "NN", "rowTimesMatrix", "columns 288 of rowTimesMatrix"),
        Row(2, 576, 576, "NN", "thin", "columns 288 of thin"),
        Row(2, 15, 9, "NN", "library", "library"),
        Row(2, 16, 9, "NN", "thin", "thin"),
        Row(12, 512, 512, "TN", "thin", "columns 256 of thin"),
        Row(13, 512, 512, "TN", "packed", "packed shared"),
        Row(1, 64, 16, "NN", "thin", "thin"),
        Row(64, 64, 16, "NN", "thin", "thin"),
        Row(64, 64, 17, "NN", "library", "library"),
        Row(300, 300, 15, "NN", "thin", "rows 152 of thin"),
        Row(20, 4000, 15, "TN", "thin", "columns 2000 of thin"),
        // Sums of 16 terms are thin on one thread, but packed on several.
        Row(300, 300, 16, "NN", "thin", "packed shared"),
        // Vectors.
        Row(576, 1, 576, "NN", "matrixTimesColumn", "rows 288 of matrixTimesColumn"),
        Row(576, 1, 100, "TT", "matrixTimesColumn", "matrixTimesColumn"),
        Row(1, 576, 576, "TT", "rowTimesMatrix", "columns 288 of rowTimesMatrix"),
        // Large ones.
        Row(32, 64, 63, "NT", "library", "library"),
        Row(32, 64, 64, "NT", "packed", "packed"),
        Row(32, 64, 64, "NN", "library", "library"),
        Row(101, 101, 102, "NN", "library", "library"),
        Row(102, 102, 102, "NN", "packed", "packed shared"),
        Row(102, 102, 102, "TT", "packed", "packed shared"),
        Row(1000, 31, 40, "NN", "library", "rows 504 of library"),
        Row(1000, 32, 40, "NN", "packed", "packed shared"),
        Row(1000, 100, 15, "NT", "library", "rows 504 of library"),
        Row(20, 4000, 15, "NT", "library", "columns 2000 of library"),
        Row(2048, 1376, 512, "NT", "packed", "packed shared"),
        // The last slice is a product of its own.
        Row(20, 31, 2000, "NN", "library", "rows 16 of library, last thin"),
        Row(20, 31, 2000, "NT", "library", "rows 16 of library, last fewRows"),
        Row(10, 4, 3000, "NN", "library", "library"),
        Row(10, 4, 8000, "NN", "library", "rows 8 of library"),
        Row(9, 4, 8000, "TN", "library", "rows 8 of library, last rowTimesMatrix"),
        Row(2, 17, 80000, "NN", "thin", "columns 16 of thin, last matrixTimesColumn"),
        Row(8, 4, 20000, "NN", "library", "library"),
      ], own: Self.all)
  }

  @Test func float64() {
    check(
      [
        Row(8, 8, 8, "NT", .float64, "library", "library"),
        Row(1, 576, 576, "NT", .float64, "rowTimesMatrix", "columns 288 of rowTimesMatrix"),
        Row(576, 1, 576, "NN", .float64, "matrixTimesColumn", "rows 288 of matrixTimesColumn"),
        Row(8, 512, 512, "NN", .float64, "library", "columns 256 of library"),
        Row(512, 512, 512, "NT", .float64, "library", "rows 256 of library"),
        Row(64, 256, 512, "NT", .float64, "library", "rows 32 of library"),
        Row(64, 257, 512, "NT", .float64, "library", "columns 144 of library"),
        Row(3, 4, 0, "NN", .float64, "scale", "scale"),
      ], own: Self.all)
  }

  @Test func halfPrecision() {
    check(
      [
        Row(0, 5, 7, "NT", .halfPrecision, "nothing", "nothing"),
        Row(3, 5, 7, "NT", .halfPrecision, "fewRows", "fewRows"),
        Row(12, 576, 576, "NT", .halfPrecision, "fewRows", "columns 288 of fewRows"),
        Row(13, 64, 64, "NT", .halfPrecision, "panels", "panels"),
        Row(13, 576, 576, "NT", .halfPrecision, "panels", "columns 288 of panels"),
        Row(1, 576, 576, "NN", .halfPrecision, "panels", "columns 288 of panels"),
        Row(1, 576, 576, "TT", .halfPrecision, "panels", "columns 288 of panels"),
        Row(4000, 8, 40, "NT", .halfPrecision, "panels", "panels"),
      ], own: Self.all)
  }

  @Test func blocks() {
    check(
      [
        Row(13, 32, 64, "NT", .blocks(length: 32), "panels", "panels"),
        Row(13, 600, 1120, "NT", .blocks(length: 32), "panels", "columns 320 of panels"),
        Row(1, 600, 1120, "NN", .blocks(length: 32), "panels", "panels"),
        Row(12, 600, 1120, "NN", .blocks(length: 32), "panels", "columns 320 of panels"),
        // Across, slices are whole blocks.
        Row(13, 600, 1280, "NT", .blocks(length: 256), "panels", "columns 320 of panels"),
        Row(12, 768, 1120, "NN", .blocks(length: 256), "panels", "columns 512 of panels"),
        Row(12, 256, 4000, "NN", .blocks(length: 256), "panels", "panels"),
      ], own: Self.all)
    for (m, n, k) in [(1, 600, 1120), (12, 600, 1120), (3, 32, 64)] {
      let row = Row(m, n, k, "NT", .blocks(length: 32), "", "")
      #expect(text(row.plan(threads: 1, own: Self.all)) == "fewRows")
      #expect(text(row.plan(threads: 2, own: Self.all)) == "fewRows shared")
    }
    #expect(ProductPlan.rowGroupGrain(columns: 64) == 16)
    #expect(ProductPlan.rowGroupGrain(columns: 1 << 20) == 1)
  }

  /// Processors without AVX-512, and C without optimisation, where our own kernels lose to the library.
  @Test func withoutKernelsOfOurOwn() {
    check(
      [
        Row(13, 1376, 512, "NT", "library", "columns 688 of library"),
        Row(512, 512, 512, "NN", "library", "rows 256 of library"),
        Row(300, 300, 16, "NN", "thin", "rows 152 of thin"),
      ], own: .init(rows: true, packed: false))
    check(
      [
        Row(8, 8, 8, "NT", "library", "library"),
        Row(1, 576, 576, "NT", "rowTimesMatrix", "columns 288 of rowTimesMatrix"),
        Row(2, 576, 576, "NN", "library", "columns 288 of library"),
        Row(300, 300, 16, "NN", "library", "rows 152 of library"),
        Row(512, 512, 512, "NT", "library", "rows 256 of library"),
      ], own: .init(rows: false, packed: false))
  }

  @Test func threeThreads() {
    let row = Row(100, 31, 1000, "NN", "", "")
    #expect(text(row.plan(threads: 3, own: Self.all)) == "rows 40 of library")
    let wide = Row(1, 1000, 576, "NT", "", "")
    #expect(text(wide.plan(threads: 3, own: Self.all)) == "columns 336 of fewRows")
  }

  @Test func batches() {
    #expect(ProductPlan.batch(count: 1, m: 64, n: 64, k: 64, threads: 2) == .withinProducts)
    #expect(ProductPlan.batch(count: 2, m: 64, n: 64, k: 64, threads: 2) == .betweenProducts(grain: 1))
    #expect(ProductPlan.batch(count: 50, m: 20, n: 40, k: 24, threads: 2) == .betweenProducts(grain: 13))
    #expect(ProductPlan.batch(count: 9, m: 1, n: 1, k: 0, threads: 1) == .betweenProducts(grain: 1 << 18))
  }

  @Test func whatPackedProductsShare() {
    #expect(ProductPlan.suitsGated(m: 512, n: 1376, k: 512, own: Self.all))
    #expect(!ProductPlan.suitsGated(m: 511, n: 1376, k: 512, own: Self.all))
    #expect(!ProductPlan.suitsGated(m: 512, n: 31, k: 512, own: Self.all))
    #expect(!ProductPlan.suitsGated(m: 512, n: 1376, k: 512, own: .init(rows: true, packed: false)))
    #expect(ProductPlan.dividesPackedRows(48, threads: 2) && !ProductPlan.dividesPackedRows(47, threads: 2))
  }
}
