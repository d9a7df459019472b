import CTensorKernels

/// Element types with loops over the elements under windows; see `CTensorKernels/include/tk_windows.h`.
package protocol WindowScalar: BLASScalar {
  /// Windows, channels, first row of windows, their number, input, columns.
  typealias GatherLoop = (
    UnsafePointer<tk_windows>?, Int64, Int64, Int64, UnsafePointer<Self>?, UnsafeMutablePointer<Self>?
  ) -> Void
  /// `x`, its width, rows and their numbers, windows with the ends of their columns, the columns, places.
  typealias PlaceLoop = (
    UnsafePointer<Self>?, Int64, Int64, UnsafePointer<Int32>?, Int64, UnsafePointer<Int32>?,
    UnsafePointer<Int32>?, UnsafeMutablePointer<Int32>?
  ) -> Void
  /// Count, source, places, target.
  typealias IndexLoop = (
    Int64, UnsafePointer<Self>?, UnsafePointer<Int32>?, UnsafeMutablePointer<Self>?
  ) -> Void
  /// Count, scale, x, step, acc.
  typealias AccumulateLoop = (Int64, Self, UnsafePointer<Self>?, Int64, UnsafeMutablePointer<Self>?) -> Void

  static var gatherColumns: GatherLoop { get }
  static var scatterColumns: GatherLoop { get }
  static var largestPlaces: PlaceLoop { get }
  static var take: IndexLoop { get }
  static var addAt: IndexLoop { get }
  /// `acc[i] += scale · x[i · step]`.
  static var accumulate: AccumulateLoop { get }
}

extension Float: WindowScalar {
  package static var gatherColumns: GatherLoop { tk_gather_columns_f32 }
  package static var scatterColumns: GatherLoop { tk_scatter_columns_f32 }
  package static var largestPlaces: PlaceLoop { tk_largest_places_f32 }
  package static var take: IndexLoop { tk_take_f32 }
  package static var addAt: IndexLoop { tk_add_at_f32 }
  package static var accumulate: AccumulateLoop { tk_accumulate_f32 }
}

extension Double: WindowScalar {
  package static var gatherColumns: GatherLoop { tk_gather_columns_f64 }
  package static var scatterColumns: GatherLoop { tk_scatter_columns_f64 }
  package static var largestPlaces: PlaceLoop { tk_largest_places_f64 }
  package static var take: IndexLoop { tk_take_f64 }
  package static var addAt: IndexLoop { tk_add_at_f64 }
  package static var accumulate: AccumulateLoop { tk_accumulate_f64 }
}
