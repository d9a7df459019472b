import CTensorKernels

/// The limits between kernels.
///
/// Numbers are ratios of times, the library's or one thread's over ours, above 1 where ours is faster: least
/// times of one core, or of both for two threads, of a server with Zen 4 cores (OpenBLAS 0.3.21, Cooperlake
/// kernels) that had other work. The limits were chosen on another AVX-512 server and no ratios were kept
/// then; where these would choose otherwise, the comment says so. docs/results/products.md has all of them.
extension ProductPlan {
  // MARK: Worth another thread

  /// Multiplications from which a product is divided: two threads, each with half of the rows, are 0.8 times
  /// as fast at 48³, 1.3 at 64³, 1.7 at 100³ and 2.0 at 112³, which is 1.3 million.
  static let parallelWork = 1 << 20
  /// Elements of the large matrix from which a product of a few rows, or columns, is divided, since it is
  /// reading them that takes the time: 0.6 at 1 × 128 × 128, 0.9 at 192 × 192, 1.1 at 256 × 256, 1.7 at
  /// 512 × 512.
  static let parallelElements = 1 << 16
  /// Multiplications for a thread that takes whole products of a batch, which needs no second copy of
  /// anything: a quarter of ``parallelWork``. Never measured by itself.
  static let batchWork = parallelWork / 4

  /// Whether several threads are worth it.
  @inline(__always)
  static func isLarge(_ m: Int, _ n: Int, _ k: Int, transB: Bool, _ type: Operand) -> Bool {
    if m * n * k >= parallelWork { return true }
    return switch type {
    case .float32, .float64: min(m, n) <= fewRows && max(m, n) * k >= parallelElements
    case .halfPrecision: m <= fewRows && n * k >= parallelElements
    // Its few rows have a grain of their own, ``rowGroupGrain(columns:)``.
    case .blocks: m <= fewRows && transB
    }
  }

  // MARK: Slices

  /// Columns of the result for each row from which columns are divided rather than rows. Meant for a library
  /// that is faster on half of the rows as long as that leaves more than ``fewRows``. Not so on Zen 4, where
  /// half of the columns is as fast or faster: 1.2 at 32 × 512 × 512, 1.15 at 64 × 512 × 512, 1.0 at 512³.
  static let columnsPerRow = 4
  /// Slices are multiples of what the library's kernels for AVX-512 and AVX2 keep in registers, 16 columns or
  /// 8 rows, so that only the last one has a remainder. Known from its sources, not measured.
  static let sliceColumns = 16
  static let sliceRows = 8
  /// Of a quantised matrix that is read row by row; where it is read across, slices are whole blocks.
  static let blockRows = 32

  // MARK: Few rows and thin products

  /// Rows up to which our own products of a few rows run. With `bᵀ` 1.3 at 12 × 512 × 512 and
  /// 12 × 1376 × 512, 2.6 with 4 rows and 4 with one of 1376 × 512; with `b` 1.5 and 1.4 with 12 rows. It
  /// would do up to 24 rows there (1.1 and 1.4), but is slower than the library for a small `bᵀ` (0.4 at
  /// 8 × 64 × 64).
  static let fewRows = 12
  /// Terms of each sum up to which thin products run with any number of rows: 1.26 for 16 terms at 512 × 512,
  /// 1.24 at 1000 × 128, 0.97 at 64 × 64; 32 terms would still be 1.2, but these have the packed kernel.
  static let fewTerms = 16
  /// Columns from which thin products run, one vector of 16; others are taken one by one: 8 × n × 64 takes
  /// 1.3 for 16 columns, 0.05 for 15.
  static let thinColumns = 16

  // MARK: The packed kernel

  /// Multiplications from which the packed kernel runs: the library does not pack products of up to a million
  /// multiplications and is hard to beat there, unless both operands are stored along the terms. 0.7 at 80³
  /// and 0.9 at 112³ if not; 0.8 at 56³ and 0.9 at 64³ if so. On Zen 4 it does not win later either for such
  /// cubes (0.95 to 0.99 from 128³ to 200³ on one thread), only where there are few rows (1.2 at
  /// 13 × 1024 × 512) or few terms. On the server that chose them: 1.15 at 128³, 1.09 at 256³ and 1.16 at
  /// 512³ on two threads, in docs/results/operations.md.
  static let packedWork = 1 << 20
  static let packedWorkAlongTerms = 1 << 17
  /// Terms from which it runs: 1.22 for 16 at 512 × 512, where shorter sums have the thin kernel.
  static let packedTerms = 16
  /// Columns from which it runs, one panel: with 512 rows and terms 0.6 for 16, 0.8 for 32, 0.9 for 64.
  static let packedColumns = Int(TK_PACKED_COLUMNS)
  /// Rows for each thread from which the packed kernel divides rows and not columns: threads with the same
  /// rows pack these each for itself, threads with the same columns only read them twice. Rows are 1.03 times
  /// as fast from 16 × 1024 × 512 to 96 × 1024 × 512 with two threads, so that the limit matters little.
  static let packedRowsPerThread = 24

  /// Whether the packed kernel is the one for large products of this shape.
  @inline(__always)
  static func suitsPacked(
    _ m: Int, _ n: Int, _ k: Int, transA: Bool, transB: Bool, _ own: @autoclosure () -> OwnKernels
  ) -> Bool {
    m > fewRows && n >= packedColumns && k >= packedTerms
      && m * n * k >= (transB && !transA ? packedWorkAlongTerms : packedWork) && own().packed
  }

  /// Whether threads share the rows of a packed product, and not its columns.
  @inline(__always)
  package static func dividesPackedRows(_ rows: Int, threads: Int) -> Bool {
    rows >= packedRowsPerThread * threads
  }

  /// Rows from which ``GatedProduct`` runs: with fewer, the results of two products and their activation fit
  /// in the caches. Its gain here is within the noise of other work, 1.25 to 0.93 from 512 × 1376 × 512 to
  /// 2048 rows with two threads, and not recorded from elsewhere.
  static let gatedRows = 512

  /// Whether ``GatedProduct``, which rounds nothing to bfloat16, computes `silu(a gateᵀ) · (a upᵀ)`.
  package static func suitsGated(m: Int, n: Int, k: Int, own: OwnKernels = .here) -> Bool {
    m >= gatedRows && !Float32MatmulPrecision.roundsPackedProducts
      && suitsPacked(m, n, k, transA: false, transB: true, own)
  }

  // MARK: Rows of stored matrices

  /// Rows of stored matrices that one thread takes together; the kernels take four at a time.
  static let rowGroup = 16
  /// Elements of stored matrices that are worth a thread: lower than ``parallelElements``, since several
  /// products share a region. A region costs 1.5 µs, the time for 2¹⁴ elements is 1.2.
  static let rowElements = 1 << 14

  /// Groups of rows that are worth a thread, of matrices of so many columns.
  package static func rowGroupGrain(columns: Int) -> Int { max(1, rowElements / (columns * rowGroup)) }
}

extension ProductPlan.OwnKernels {
  /// What this processor and this build have.
  package static let here = ProductPlan.OwnKernels(
    rows: tk_is_optimized() != 0, packed: tk_has_packed_product() != 0)
}
