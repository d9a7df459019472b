import CTensorKernels

/// Element types with kernels for Fourier transforms; `tk_fft.h` says what each computes.
protocol FFTScalar: TensorScalar, BinaryFloatingPoint {
  static func run(
    _ passes: UnsafePointer<tk_fft_pass>?, _ count: Int, _ n: Int, _ lanes: Int, _ scale: Self,
    _ x: FFTPlanes<Self>, _ y: FFTPlanes<Self>, _ scratch: UnsafeMutablePointer<Self>)
  static func multiply(
    _ n: Int, _ lanes: Int, _ w: FFTPlanes<Self>, _ x: FFTPlanes<Self>, _ y: FFTPlanes<Self>)
  static func scale(_ n: Int, _ factor: Self, _ x: UnsafeMutablePointer<Self>)
  static func gather(
    _ n: Int, _ valid: Int, _ lanes: Int, _ x: UnsafePointer<Self>, _ row: Int, _ lane: Int,
    _ y: UnsafeMutablePointer<Self>)
  static func scatter(
    _ n: Int, _ valid: Int, _ lanes: Int, _ x: UnsafePointer<Self>, _ y: UnsafeMutablePointer<Self>,
    _ row: Int, _ lane: Int)
  static func unpack(
    _ h: Int, _ lanes: Int, _ w: FFTPlanes<Self>, _ ends: Self, _ middle: Self, _ z: FFTPlanes<Self>,
    _ y: FFTPlanes<Self>)
  static func pack(
    _ h: Int, _ lanes: Int, _ w: FFTPlanes<Self>, _ ends: Self, _ middle: Self, _ x: FFTPlanes<Self>,
    _ z: FFTPlanes<Self>)
  static func mirror(
    _ n: Int, _ lanes: Int, _ ends: Self, _ middle: Self, _ x: FFTPlanes<Self>, _ y: FFTPlanes<Self>)
}

/// Where the real and where the imaginary parts of complex numbers lie.
struct FFTPlanes<T> {
  let real: UnsafeMutablePointer<T>
  let imaginary: UnsafeMutablePointer<T>

  init(_ real: UnsafeMutablePointer<T>, _ imaginary: UnsafeMutablePointer<T>) {
    self.real = real
    self.imaginary = imaginary
  }

  /// One plane behind the other.
  init(_ start: UnsafeMutablePointer<T>, count: Int) { self.init(start, start + count) }

  /// The planes exchanged, which turns a forward transform into the other one.
  var swapped: FFTPlanes { FFTPlanes(imaginary, real) }

  /// The planes exchanged or not.
  func swapped(if condition: Bool) -> FFTPlanes { condition ? swapped : self }

  /// The numbers from a position on.
  func advanced(by count: Int) -> FFTPlanes { FFTPlanes(real + count, imaginary + count) }
}

extension Float: FFTScalar {
  static func run(
    _ passes: UnsafePointer<tk_fft_pass>?, _ count: Int, _ n: Int, _ lanes: Int, _ scale: Float,
    _ x: FFTPlanes<Float>, _ y: FFTPlanes<Float>, _ scratch: UnsafeMutablePointer<Float>
  ) {
    tk_fft_run_f32(
      passes, Int64(count), Int64(n), Int64(lanes), scale, x.real, x.imaginary, y.real, y.imaginary, scratch)
  }

  static func multiply(
    _ n: Int, _ lanes: Int, _ w: FFTPlanes<Float>, _ x: FFTPlanes<Float>, _ y: FFTPlanes<Float>
  ) {
    tk_fft_multiply_f32(
      Int64(n), Int64(lanes), w.real, w.imaginary, x.real, x.imaginary, y.real, y.imaginary)
  }

  static func scale(_ n: Int, _ factor: Float, _ x: UnsafeMutablePointer<Float>) {
    tk_fft_scale_f32(Int64(n), factor, x)
  }

  static func gather(
    _ n: Int, _ valid: Int, _ lanes: Int, _ x: UnsafePointer<Float>, _ row: Int, _ lane: Int,
    _ y: UnsafeMutablePointer<Float>
  ) {
    tk_fft_gather_f32(Int64(n), Int64(valid), Int64(lanes), x, Int64(row), Int64(lane), y)
  }

  static func scatter(
    _ n: Int, _ valid: Int, _ lanes: Int, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>,
    _ row: Int, _ lane: Int
  ) {
    tk_fft_scatter_f32(Int64(n), Int64(valid), Int64(lanes), x, y, Int64(row), Int64(lane))
  }

  static func unpack(
    _ h: Int, _ lanes: Int, _ w: FFTPlanes<Float>, _ ends: Float, _ middle: Float, _ z: FFTPlanes<Float>,
    _ y: FFTPlanes<Float>
  ) {
    tk_fft_unpack_f32(
      Int64(h), Int64(lanes), w.real, w.imaginary, ends, middle, z.real, z.imaginary, y.real, y.imaginary)
  }

  static func pack(
    _ h: Int, _ lanes: Int, _ w: FFTPlanes<Float>, _ ends: Float, _ middle: Float, _ x: FFTPlanes<Float>,
    _ z: FFTPlanes<Float>
  ) {
    tk_fft_pack_f32(
      Int64(h), Int64(lanes), w.real, w.imaginary, ends, middle, x.real, x.imaginary, z.real, z.imaginary)
  }

  static func mirror(
    _ n: Int, _ lanes: Int, _ ends: Float, _ middle: Float, _ x: FFTPlanes<Float>, _ y: FFTPlanes<Float>
  ) {
    tk_fft_mirror_f32(
      Int64(n), Int64(lanes), ends, middle, x.real, x.imaginary, y.real, y.imaginary)
  }
}

extension Double: FFTScalar {
  static func run(
    _ passes: UnsafePointer<tk_fft_pass>?, _ count: Int, _ n: Int, _ lanes: Int, _ scale: Double,
    _ x: FFTPlanes<Double>, _ y: FFTPlanes<Double>, _ scratch: UnsafeMutablePointer<Double>
  ) {
    tk_fft_run_f64(
      passes, Int64(count), Int64(n), Int64(lanes), scale, x.real, x.imaginary, y.real, y.imaginary, scratch)
  }

  static func multiply(
    _ n: Int, _ lanes: Int, _ w: FFTPlanes<Double>, _ x: FFTPlanes<Double>, _ y: FFTPlanes<Double>
  ) {
    tk_fft_multiply_f64(
      Int64(n), Int64(lanes), w.real, w.imaginary, x.real, x.imaginary, y.real, y.imaginary)
  }

  static func scale(_ n: Int, _ factor: Double, _ x: UnsafeMutablePointer<Double>) {
    tk_fft_scale_f64(Int64(n), factor, x)
  }

  static func gather(
    _ n: Int, _ valid: Int, _ lanes: Int, _ x: UnsafePointer<Double>, _ row: Int, _ lane: Int,
    _ y: UnsafeMutablePointer<Double>
  ) {
    tk_fft_gather_f64(Int64(n), Int64(valid), Int64(lanes), x, Int64(row), Int64(lane), y)
  }

  static func scatter(
    _ n: Int, _ valid: Int, _ lanes: Int, _ x: UnsafePointer<Double>, _ y: UnsafeMutablePointer<Double>,
    _ row: Int, _ lane: Int
  ) {
    tk_fft_scatter_f64(Int64(n), Int64(valid), Int64(lanes), x, y, Int64(row), Int64(lane))
  }

  static func unpack(
    _ h: Int, _ lanes: Int, _ w: FFTPlanes<Double>, _ ends: Double, _ middle: Double, _ z: FFTPlanes<Double>,
    _ y: FFTPlanes<Double>
  ) {
    tk_fft_unpack_f64(
      Int64(h), Int64(lanes), w.real, w.imaginary, ends, middle, z.real, z.imaginary, y.real, y.imaginary)
  }

  static func pack(
    _ h: Int, _ lanes: Int, _ w: FFTPlanes<Double>, _ ends: Double, _ middle: Double, _ x: FFTPlanes<Double>,
    _ z: FFTPlanes<Double>
  ) {
    tk_fft_pack_f64(
      Int64(h), Int64(lanes), w.real, w.imaginary, ends, middle, x.real, x.imaginary, z.real, z.imaginary)
  }

  static func mirror(
    _ n: Int, _ lanes: Int, _ ends: Double, _ middle: Double, _ x: FFTPlanes<Double>, _ y: FFTPlanes<Double>
  ) {
    tk_fft_mirror_f64(
      Int64(n), Int64(lanes), ends, middle, x.real, x.imaginary, y.real, y.imaginary)
  }
}
