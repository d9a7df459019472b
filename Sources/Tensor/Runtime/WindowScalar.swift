import CTensorKernels

/// Element types with loops over the elements under windows; see `CTensorKernels/include/tk_windows.h`.
package protocol WindowScalar: BLASScalar {
  static var gatherColumns:
    (UnsafePointer<tk_windows>?, Int64, Int64, Int64, UnsafePointer<Self>?, UnsafeMutablePointer<Self>?) ->
      Void
  { get }
  static var scatterColumns:
    (UnsafePointer<tk_windows>?, Int64, Int64, Int64, UnsafePointer<Self>?, UnsafeMutablePointer<Self>?) ->
      Void
  { get }
  static var largestPlaces:
    (
      UnsafePointer<Self>?, Int64, Int64, UnsafePointer<Int32>?, Int64, UnsafePointer<Int32>?,
      UnsafePointer<Int32>?, UnsafeMutablePointer<Int32>?
    ) -> Void
  { get }
  static var take: (Int64, UnsafePointer<Self>?, UnsafePointer<Int32>?, UnsafeMutablePointer<Self>?) -> Void
  { get }
  static var addAt: (Int64, UnsafePointer<Self>?, UnsafePointer<Int32>?, UnsafeMutablePointer<Self>?) -> Void
  { get }
  /// `acc[i] += scale · x[i · step]`: count, scale, x, step, acc.
  static var accumulate: (Int64, Self, UnsafePointer<Self>?, Int64, UnsafeMutablePointer<Self>?) -> Void {
    get
  }
}

extension Float: WindowScalar {
  package static var gatherColumns:
    (UnsafePointer<tk_windows>?, Int64, Int64, Int64, UnsafePointer<Float>?, UnsafeMutablePointer<Float>?) ->
      Void
  { tk_gather_columns_f32 }
  package static var scatterColumns:
    (UnsafePointer<tk_windows>?, Int64, Int64, Int64, UnsafePointer<Float>?, UnsafeMutablePointer<Float>?) ->
      Void
  { tk_scatter_columns_f32 }
  package static var largestPlaces:
    (
      UnsafePointer<Float>?, Int64, Int64, UnsafePointer<Int32>?, Int64, UnsafePointer<Int32>?,
      UnsafePointer<Int32>?, UnsafeMutablePointer<Int32>?
    ) -> Void
  { tk_largest_places_f32 }
  package static var take:
    (Int64, UnsafePointer<Float>?, UnsafePointer<Int32>?, UnsafeMutablePointer<Float>?) -> Void
  { tk_take_f32 }
  package static var addAt:
    (Int64, UnsafePointer<Float>?, UnsafePointer<Int32>?, UnsafeMutablePointer<Float>?) -> Void
  { tk_add_at_f32 }
  package static var accumulate:
    (Int64, Float, UnsafePointer<Float>?, Int64, UnsafeMutablePointer<Float>?) -> Void
  { tk_accumulate_f32 }
}

extension Double: WindowScalar {
  package static var gatherColumns:
    (UnsafePointer<tk_windows>?, Int64, Int64, Int64, UnsafePointer<Double>?, UnsafeMutablePointer<Double>?)
      ->
      Void
  { tk_gather_columns_f64 }
  package static var scatterColumns:
    (UnsafePointer<tk_windows>?, Int64, Int64, Int64, UnsafePointer<Double>?, UnsafeMutablePointer<Double>?)
      ->
      Void
  { tk_scatter_columns_f64 }
  package static var largestPlaces:
    (
      UnsafePointer<Double>?, Int64, Int64, UnsafePointer<Int32>?, Int64, UnsafePointer<Int32>?,
      UnsafePointer<Int32>?, UnsafeMutablePointer<Int32>?
    ) -> Void
  { tk_largest_places_f64 }
  package static var take:
    (Int64, UnsafePointer<Double>?, UnsafePointer<Int32>?, UnsafeMutablePointer<Double>?) -> Void
  { tk_take_f64 }
  package static var addAt:
    (Int64, UnsafePointer<Double>?, UnsafePointer<Int32>?, UnsafeMutablePointer<Double>?) -> Void
  { tk_add_at_f64 }
  package static var accumulate:
    (Int64, Double, UnsafePointer<Double>?, Int64, UnsafeMutablePointer<Double>?) -> Void
  { tk_accumulate_f64 }
}
