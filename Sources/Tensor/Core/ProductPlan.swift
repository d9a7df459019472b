/// How one matrix product is computed: by which kernel, and in which slices on which threads.
///
/// This is the only place where that is decided. Shape, layout and type decide it together with the number of
/// threads, never the contents; with the same plan and ``Float32MatmulPrecision``, the same product has the
/// same bits. The limits between kernels are constants of an extension of this type.
package struct ProductPlan: Equatable {
  /// How the second operand is stored, which decides which kernels there are.
  package enum Operand: Sendable, Equatable {
    case float32, float64
    /// float16 or bfloat16, multiplied with Float32.
    case halfPrecision
    /// The blocks of a ``QuantizedMatrix``, each of so many values, multiplied with Float32.
    case blocks(length: Int)

    /// Values of a block that lie along a row and cannot be parted; nil where there are no blocks.
    @inline(__always)
    fileprivate var blockLength: Int? {
      if case .blocks(let length) = self { length } else { nil }
    }

    /// Whether elements become Float32 before they are multiplied.
    @inline(__always)
    fileprivate var isExpanded: Bool {
      switch self {
      case .float32, .float64: false
      case .halfPrecision, .blocks: true
      }
    }
  }

  /// What computes a product, or a slice of one, on one thread.
  package enum Kernel: Sendable {
    /// The result has no elements.
    case nothing
    /// Sums without terms: `c = beta c`.
    case scale
    /// Our own product of a few rows with a `bᵀ` that is read once, as it is stored: floats, half precision,
    /// or blocks.
    case fewRows
    /// Our own product of a few rows or few terms with a `b` stored by rows.
    case thin
    /// The library's matrix-vector product, `a` being a row.
    case rowTimesMatrix
    /// The library's matrix-vector product, `b` being a column.
    case matrixTimesColumn
    /// Our own product with a packed copy of `b`; see ``PackedProduct``.
    case packed
    /// The library's matrix product.
    case library
    /// Parts of a stored `b` are expanded to Float32 and multiplied one after the other, each by what is
    /// planned for its size.
    case panels
  }

  /// How threads share a product.
  package enum Division: Equatable, Sendable {
    /// The calling thread computes all of it.
    case none
    /// Slices of so many rows, or columns, of the result, one for each thread; the last may be shorter.
    case rows(Int)
    case columns(Int)
    /// The kernel gives threads their work itself: they share what it prepares.
    case byKernel
  }

  /// Which of our own kernels for Float32 exist on this processor and in this build.
  package struct OwnKernels: Sendable {
    /// Those for few rows and thin products. A build of C without optimisation has them, but OpenBLAS, which
    /// is optimised in any build, wins there.
    package var rows: Bool
    /// Those that pack, which need AVX-512.
    package var packed: Bool

    package init(rows: Bool, packed: Bool) {
      self.rows = rows
      self.packed = packed
    }
  }

  /// The kernel of the whole product or of each slice.
  package let kernel: Kernel
  /// The kernel of the last slice, whose size may ask for another one.
  package let lastKernel: Kernel
  package let division: Division

  /// The plan for `[m, k]` times `[k, n]`, these being shapes after any transposition.
  @inline(__always)
  package init(
    m: Int, n: Int, k: Int, transA: Bool, transB: Bool, type: Operand, threads: Int,
    isInParallelRegion: @autoclosure () -> Bool, own: @autoclosure () -> OwnKernels = .here
  ) {
    if m <= 0 || n <= 0 {
      self.init(.nothing)
    } else if threads == 1 || !Self.isLarge(m, n, k, transB: transB, type) || isInParallelRegion() {
      self.init(Self.kernel(m, n, k, transA: transA, transB: transB, type, own()))
    } else {
      self = Self.divided(m, n, k, transA: transA, transB: transB, type, threads, own())
    }
  }

  @inline(__always)
  private init(_ kernel: Kernel, last: Kernel? = nil, _ division: Division = .none) {
    self.kernel = kernel
    lastKernel = last ?? kernel
    self.division = division
  }

  /// The kernel for a product on one thread. Looks for kernels of our own only where one would do.
  @inline(__always)
  package static func kernel(
    _ m: Int, _ n: Int, _ k: Int, transA: Bool, transB: Bool, _ type: Operand,
    _ own: @autoclosure () -> OwnKernels = .here
  ) -> Kernel {
    if m <= 0 || n <= 0 { return .nothing }
    let isFewRows = m <= fewRows && transB && !transA
    if type.isExpanded { return isFewRows ? .fewRows : .panels }
    if k == 0 { return .scale }
    let isSingle = type == .float32
    let isThin = !transB && n >= thinColumns && (m <= fewRows && m > 1 || k <= fewTerms)
    if isSingle && (isFewRows || isThin) && own().rows { return isFewRows ? .fewRows : .thin }
    if m == 1 { return .rowTimesMatrix }
    if n == 1 { return .matrixTimesColumn }
    return isSingle && suitsPacked(m, n, k, transA: transA, transB: transB, own()) ? .packed : .library
  }

  /// The plan of a product that is worth several threads.
  private static func divided(
    _ m: Int, _ n: Int, _ k: Int, transA: Bool, transB: Bool, _ type: Operand, _ threads: Int,
    _ own: OwnKernels
  ) -> ProductPlan {
    func kernel(_ m: Int, _ n: Int) -> Kernel {
      Self.kernel(m, n, k, transA: transA, transB: transB, type, own)
    }
    func slices(_ extent: Int, of block: Int) -> Int {
      ((extent + threads - 1) / threads + block - 1) / block * block
    }
    /// What is left for the last slice.
    func rest(_ extent: Int, _ size: Int) -> Int { extent - (extent - 1) / size * size }
    if type.blockLength != nil && kernel(m, n) == .fewRows { return ProductPlan(.fewRows, .byKernel) }
    if type == .float32 && suitsPacked(m, n, k, transA: transA, transB: transB, own) {
      return ProductPlan(.packed, .byKernel)
    }
    if type.isExpanded || n > columnsPerRow * m {
      let size = slices(n, of: type.blockLength.map { transB ? blockRows : $0 } ?? sliceColumns)
      if size >= n { return ProductPlan(kernel(m, n)) }
      return ProductPlan(kernel(m, size), last: kernel(m, rest(n, size)), .columns(size))
    }
    let size = slices(m, of: sliceRows)
    if size >= m { return ProductPlan(kernel(m, n)) }
    return ProductPlan(kernel(size, n), last: kernel(rest(m, size), n), .rows(size))
  }

  /// How threads share a batch of equal products.
  package enum BatchDivision: Equatable, Sendable {
    /// One product after the other, each with a plan of its own.
    case withinProducts
    /// Whole products, at least so many for a thread.
    case betweenProducts(grain: Int)
  }

  /// Whether threads share the products of a batch or each product.
  @inline(__always)
  package static func batch(count: Int, m: Int, n: Int, k: Int, threads: Int) -> BatchDivision {
    if count < threads { return .withinProducts }
    return .betweenProducts(grain: max(1, batchWork / max(1, m * n * max(k, 1))))
  }
}
