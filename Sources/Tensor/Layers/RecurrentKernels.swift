import CTensorKernels

/// The steps of LSTMs and GRUs in one loop each, for passes that are not recorded.
///
/// What a step keeps is one tensor, the gates' activations side by side, as the kernels lay it out.
enum RecurrentKernels {
  /// Rows of the batch that are worth a thread.
  private static func grain(_ width: Int) -> Int { max(1, (1 << 12) / max(width, 1)) }

  static func lstm(
    _ input: Tensor, _ hidden: Tensor, _ before: RecurrentCell.State
  ) -> (after: RecurrentCell.State, kept: Tensor) {
    let (x, y, old) = (input.contiguous(), hidden.contiguous(), before[1].contiguous())
    let (rows, width, type) = (old.shape[0], old.shape[1], old.dtype)
    let state = Tensor(uninitialized: [rows, width], dtype: type)
    let cell = Tensor(uninitialized: [rows, width], dtype: type)
    let kept = Tensor(uninitialized: [rows, 5 * width], dtype: type)
    func run<T>(
      _: T.Type,
      _ kernel: (
        UnsafePointer<T>?, UnsafePointer<T>?, UnsafePointer<T>?, UnsafeMutablePointer<T>?,
        UnsafeMutablePointer<T>?, UnsafeMutablePointer<T>?, Int64, Int64
      ) -> Void
    ) {
      Threads.parallel(rows, grain: grain(width)) { range in
        let start = range.lowerBound * width
        kernel(
          x.pointer() + 4 * start, y.pointer() + 4 * start, old.pointer() + start, state.pointer() + start,
          cell.pointer() + start, kept.pointer() + 5 * start, Int64(range.count), Int64(width))
      }
    }
    if type == .float32 { run(Float.self, tk_lstm_step_f32) } else { run(Double.self, tk_lstm_step_f64) }
    return ([state, cell], kept)
  }

  static func lstmBackward(
    _ gradients: RecurrentCell.State, _ kept: Tensor, _ before: Tensor
  ) -> (sum: Tensor, before: Tensor) {
    let (dHidden, dCell, old) = (gradients[0].contiguous(), gradients[1].contiguous(), before.contiguous())
    let (rows, width, type) = (old.shape[0], old.shape[1], old.dtype)
    let sum = Tensor(uninitialized: [rows, 4 * width], dtype: type)
    let dBefore = Tensor(uninitialized: [rows, width], dtype: type)
    func run<T>(
      _: T.Type,
      _ kernel: (
        UnsafePointer<T>?, UnsafePointer<T>?, UnsafePointer<T>?, UnsafePointer<T>?,
        UnsafeMutablePointer<T>?, UnsafeMutablePointer<T>?, Int64, Int64
      ) -> Void
    ) {
      Threads.parallel(rows, grain: grain(width)) { range in
        let start = range.lowerBound * width
        kernel(
          kept.pointer() + 5 * start, old.pointer() + start, dHidden.pointer() + start,
          dCell.pointer() + start,
          sum.pointer() + 4 * start, dBefore.pointer() + start, Int64(range.count), Int64(width))
      }
    }
    if type == .float32 {
      run(Float.self, tk_lstm_step_backward_f32)
    } else {
      run(Double.self, tk_lstm_step_backward_f64)
    }
    return (sum, dBefore)
  }

  static func gru(
    _ input: Tensor, _ hidden: Tensor, _ before: RecurrentCell.State
  ) -> (after: RecurrentCell.State, kept: Tensor) {
    let (x, y, old) = (input.contiguous(), hidden.contiguous(), before[0].contiguous())
    let (rows, width, type) = (old.shape[0], old.shape[1], old.dtype)
    let state = Tensor(uninitialized: [rows, width], dtype: type)
    let kept = Tensor(uninitialized: [rows, 4 * width], dtype: type)
    func run<T>(
      _: T.Type,
      _ kernel: (
        UnsafePointer<T>?, UnsafePointer<T>?, UnsafePointer<T>?, UnsafeMutablePointer<T>?,
        UnsafeMutablePointer<T>?, Int64, Int64
      ) -> Void
    ) {
      Threads.parallel(rows, grain: grain(width)) { range in
        let start = range.lowerBound * width
        kernel(
          x.pointer() + 3 * start, y.pointer() + 3 * start, old.pointer() + start, state.pointer() + start,
          kept.pointer() + 4 * start, Int64(range.count), Int64(width))
      }
    }
    if type == .float32 { run(Float.self, tk_gru_step_f32) } else { run(Double.self, tk_gru_step_f64) }
    return ([state], kept)
  }

  static func gruBackward(
    _ gradients: RecurrentCell.State, _ kept: Tensor, _ before: Tensor
  ) -> (input: Tensor, hidden: Tensor, before: Tensor) {
    let (dHidden, old) = (gradients[0].contiguous(), before.contiguous())
    let (rows, width, type) = (old.shape[0], old.shape[1], old.dtype)
    let dInput = Tensor(uninitialized: [rows, 3 * width], dtype: type)
    let dInner = Tensor(uninitialized: [rows, 3 * width], dtype: type)
    let dBefore = Tensor(uninitialized: [rows, width], dtype: type)
    func run<T>(
      _: T.Type,
      _ kernel: (
        UnsafePointer<T>?, UnsafePointer<T>?, UnsafePointer<T>?, UnsafeMutablePointer<T>?,
        UnsafeMutablePointer<T>?, UnsafeMutablePointer<T>?, Int64, Int64
      ) -> Void
    ) {
      Threads.parallel(rows, grain: grain(width)) { range in
        let start = range.lowerBound * width
        kernel(
          kept.pointer() + 4 * start, old.pointer() + start, dHidden.pointer() + start,
          dInput.pointer() + 3 * start, dInner.pointer() + 3 * start, dBefore.pointer() + start,
          Int64(range.count), Int64(width))
      }
    }
    if type == .float32 {
      run(Float.self, tk_gru_step_backward_f32)
    } else {
      run(Double.self, tk_gru_step_backward_f64)
    }
    return (dInput, dInner, dBefore)
  }
}
