import CTensorKernels
import Foundation

/// Element types with fused C kernels. `CTensorKernels/include/tk_fused.h` says what each computes.
package protocol FusedScalar: BLASScalar {
  static func logarithm(_ x: Self) -> Self

  typealias RowsKernel =
    (UnsafePointer<Self>?, UnsafeMutablePointer<Self>?, Int64, Int64) -> Void
  typealias RowsBackwardKernel =
    (UnsafePointer<Self>?, UnsafePointer<Self>?, UnsafeMutablePointer<Self>?, Int64, Int64) ->
    Void
  typealias MapBackwardKernel =
    (UnsafePointer<Self>?, UnsafePointer<Self>?, UnsafeMutablePointer<Self>?, Int64) -> Void

  static var softmaxKernel: RowsKernel { get }
  static var logSoftmaxKernel: RowsKernel { get }
  static var logSumExpKernel: RowsKernel { get }
  static var softmaxBackwardKernel: RowsBackwardKernel { get }
  static var logSoftmaxBackwardKernel: RowsBackwardKernel { get }
  static var attentionSoftmaxKernel:
    (
      UnsafeMutablePointer<Self>?, Int64, Int64, Int64, Int64, Self, UnsafeMutablePointer<Self>?, Int64
    ) -> Void
  { get }
  /// Attention of the heads of one key head; nil where ``attentionSoftmaxKernel`` between products is all
  /// there is.
  static var packedAttentionKernel: PackedAttentionKernel<Self>? { get }
  static var attentionSoftmaxBackwardKernel:
    (
      UnsafeMutablePointer<Self>?, UnsafeMutablePointer<Self>?, Int64, Int64, Int64, Int64, Self,
      UnsafePointer<Self>?, Int64, UnsafePointer<Self>?, UnsafePointer<Self>?, Int64, Int64
    ) -> Void
  { get }
  static var logSumExpUpdateKernel:
    (
      UnsafePointer<Self>?, Int64, Int64, Int64, UnsafeMutablePointer<Self>?, UnsafeMutablePointer<Self>?
    ) -> Void
  { get }
  static var targetGradientKernel:
    (
      UnsafeMutablePointer<Self>?, Int64, Int64, Int64, UnsafePointer<Self>?, UnsafePointer<Self>?,
      UnsafePointer<Int32>?, Int64
    ) -> Void
  { get }
  static var crossEntropyKernel:
    (
      UnsafePointer<Self>?, UnsafeMutablePointer<Self>?, UnsafePointer<Int64>?, UnsafeMutablePointer<Self>?,
      Int64,
      Int64, Self
    ) -> Void
  { get }
  static var crossEntropyBackwardKernel:
    (
      UnsafePointer<Self>?, UnsafePointer<Self>?, UnsafePointer<Int64>?, UnsafePointer<Self>?,
      UnsafeMutablePointer<Self>?, Int64, Int64, Self
    ) -> Void
  { get }
  static var layerNormKernel:
    (
      UnsafePointer<Self>?, UnsafePointer<Self>?, UnsafePointer<Self>?, Self, UnsafeMutablePointer<Self>?,
      UnsafeMutablePointer<Self>?, UnsafeMutablePointer<Self>?, Int64, Int64
    ) -> Void
  { get }
  static var layerNormBackwardKernel:
    (
      UnsafePointer<Self>?, UnsafePointer<Self>?, UnsafePointer<Self>?, UnsafePointer<Self>?,
      UnsafePointer<Self>?, UnsafeMutablePointer<Self>?, UnsafeMutablePointer<Self>?,
      UnsafeMutablePointer<Self>?, Int64, Int64
    ) -> Void
  { get }
  static var rmsNormKernel:
    (
      UnsafePointer<Self>?, UnsafePointer<Self>?, Self, UnsafeMutablePointer<Self>?,
      UnsafeMutablePointer<Self>?, Int64, Int64
    ) -> Void
  { get }
  static var rmsNormBackwardKernel:
    (
      UnsafePointer<Self>?, UnsafePointer<Self>?, UnsafePointer<Self>?, UnsafePointer<Self>?,
      UnsafeMutablePointer<Self>?, UnsafeMutablePointer<Self>?, Int64, Int64
    ) -> Void
  { get }
  static var rotaryKernel:
    (
      UnsafePointer<Self>?, Int64, UnsafeMutablePointer<Self>?, UnsafePointer<Int32>?, UnsafePointer<Self>?,
      UnsafePointer<Self>?, Int64, Int64, Int64, Self
    ) -> Void
  { get }
  static var swiGLUKernel: MapBackwardKernel { get }
  static var swiGLUBackwardKernel:
    (
      UnsafePointer<Self>?, UnsafePointer<Self>?, UnsafePointer<Self>?, UnsafeMutablePointer<Self>?,
      UnsafeMutablePointer<Self>?, Int64
    ) -> Void
  { get }
}

extension Float: FusedScalar {
  package static func logarithm(_ x: Float) -> Float { log(x) }

  package static var softmaxKernel: RowsKernel { tk_softmax_f32 }
  package static var logSoftmaxKernel: RowsKernel { tk_log_softmax_f32 }
  package static var logSumExpKernel: RowsKernel { tk_log_sum_exp_f32 }
  package static var softmaxBackwardKernel: RowsBackwardKernel { tk_softmax_backward_f32 }
  package static var logSoftmaxBackwardKernel: RowsBackwardKernel { tk_log_softmax_backward_f32 }
  package static var attentionSoftmaxKernel:
    (
      UnsafeMutablePointer<Float>?, Int64, Int64, Int64, Int64, Float, UnsafeMutablePointer<Float>?, Int64
    ) -> Void
  { tk_attention_softmax_f32 }
  package static var packedAttentionKernel: PackedAttentionKernel<Float>? {
    guard ProductPlan.OwnKernels.here.packed else { return nil }
    return tk_packed_attention_f32
  }
  package static var attentionSoftmaxBackwardKernel:
    (
      UnsafeMutablePointer<Float>?, UnsafeMutablePointer<Float>?, Int64, Int64, Int64, Int64, Float,
      UnsafePointer<Float>?, Int64, UnsafePointer<Float>?, UnsafePointer<Float>?, Int64, Int64
    ) -> Void
  { tk_attention_softmax_backward_f32 }
  package static var logSumExpUpdateKernel:
    (
      UnsafePointer<Float>?, Int64, Int64, Int64, UnsafeMutablePointer<Float>?, UnsafeMutablePointer<Float>?
    ) -> Void
  { tk_log_sum_exp_update_f32 }
  package static var targetGradientKernel:
    (
      UnsafeMutablePointer<Float>?, Int64, Int64, Int64, UnsafePointer<Float>?, UnsafePointer<Float>?,
      UnsafePointer<Int32>?, Int64
    ) -> Void
  { tk_target_gradient_f32 }
  package static var crossEntropyKernel:
    (
      UnsafePointer<Float>?, UnsafeMutablePointer<Float>?, UnsafePointer<Int64>?,
      UnsafeMutablePointer<Float>?,
      Int64,
      Int64, Float
    ) -> Void
  { tk_cross_entropy_f32 }
  package static var crossEntropyBackwardKernel:
    (
      UnsafePointer<Float>?, UnsafePointer<Float>?, UnsafePointer<Int64>?, UnsafePointer<Float>?,
      UnsafeMutablePointer<Float>?, Int64, Int64, Float
    ) -> Void
  { tk_cross_entropy_backward_f32 }
  package static var layerNormKernel:
    (
      UnsafePointer<Float>?, UnsafePointer<Float>?, UnsafePointer<Float>?, Float,
      UnsafeMutablePointer<Float>?, UnsafeMutablePointer<Float>?, UnsafeMutablePointer<Float>?, Int64, Int64
    ) -> Void
  { tk_layer_norm_f32 }
  package static var layerNormBackwardKernel:
    (
      UnsafePointer<Float>?, UnsafePointer<Float>?, UnsafePointer<Float>?, UnsafePointer<Float>?,
      UnsafePointer<Float>?, UnsafeMutablePointer<Float>?, UnsafeMutablePointer<Float>?,
      UnsafeMutablePointer<Float>?, Int64, Int64
    ) -> Void
  { tk_layer_norm_backward_f32 }
  package static var rmsNormKernel:
    (
      UnsafePointer<Float>?, UnsafePointer<Float>?, Float, UnsafeMutablePointer<Float>?,
      UnsafeMutablePointer<Float>?, Int64, Int64
    ) -> Void
  { tk_rms_norm_f32 }
  package static var rmsNormBackwardKernel:
    (
      UnsafePointer<Float>?, UnsafePointer<Float>?, UnsafePointer<Float>?, UnsafePointer<Float>?,
      UnsafeMutablePointer<Float>?, UnsafeMutablePointer<Float>?, Int64, Int64
    ) -> Void
  { tk_rms_norm_backward_f32 }
  package static var rotaryKernel:
    (
      UnsafePointer<Float>?, Int64, UnsafeMutablePointer<Float>?, UnsafePointer<Int32>?,
      UnsafePointer<Float>?, UnsafePointer<Float>?, Int64, Int64, Int64, Float
    ) -> Void
  { tk_rotary_f32 }
  package static var swiGLUKernel: MapBackwardKernel { tk_swiglu_f32 }
  package static var swiGLUBackwardKernel:
    (
      UnsafePointer<Float>?, UnsafePointer<Float>?, UnsafePointer<Float>?, UnsafeMutablePointer<Float>?,
      UnsafeMutablePointer<Float>?, Int64
    ) -> Void
  { tk_swiglu_backward_f32 }
}

extension Double: FusedScalar {
  package static func logarithm(_ x: Double) -> Double { log(x) }

  package static var softmaxKernel: RowsKernel { tk_softmax_f64 }
  package static var logSoftmaxKernel: RowsKernel { tk_log_softmax_f64 }
  package static var logSumExpKernel: RowsKernel { tk_log_sum_exp_f64 }
  package static var softmaxBackwardKernel: RowsBackwardKernel { tk_softmax_backward_f64 }
  package static var logSoftmaxBackwardKernel: RowsBackwardKernel { tk_log_softmax_backward_f64 }
  package static var attentionSoftmaxKernel:
    (
      UnsafeMutablePointer<Double>?, Int64, Int64, Int64, Int64, Double, UnsafeMutablePointer<Double>?, Int64
    ) -> Void
  { tk_attention_softmax_f64 }
  package static var packedAttentionKernel: PackedAttentionKernel<Double>? { nil }
  package static var attentionSoftmaxBackwardKernel:
    (
      UnsafeMutablePointer<Double>?, UnsafeMutablePointer<Double>?, Int64, Int64, Int64, Int64, Double,
      UnsafePointer<Double>?, Int64, UnsafePointer<Double>?, UnsafePointer<Double>?, Int64, Int64
    ) -> Void
  { tk_attention_softmax_backward_f64 }
  package static var logSumExpUpdateKernel:
    (
      UnsafePointer<Double>?, Int64, Int64, Int64, UnsafeMutablePointer<Double>?,
      UnsafeMutablePointer<Double>?
    ) -> Void
  { tk_log_sum_exp_update_f64 }
  package static var targetGradientKernel:
    (
      UnsafeMutablePointer<Double>?, Int64, Int64, Int64, UnsafePointer<Double>?, UnsafePointer<Double>?,
      UnsafePointer<Int32>?, Int64
    ) -> Void
  { tk_target_gradient_f64 }
  package static var crossEntropyKernel:
    (
      UnsafePointer<Double>?, UnsafeMutablePointer<Double>?, UnsafePointer<Int64>?,
      UnsafeMutablePointer<Double>?,
      Int64,
      Int64, Double
    ) -> Void
  { tk_cross_entropy_f64 }
  package static var crossEntropyBackwardKernel:
    (
      UnsafePointer<Double>?, UnsafePointer<Double>?, UnsafePointer<Int64>?, UnsafePointer<Double>?,
      UnsafeMutablePointer<Double>?, Int64, Int64, Double
    ) -> Void
  { tk_cross_entropy_backward_f64 }
  package static var layerNormKernel:
    (
      UnsafePointer<Double>?, UnsafePointer<Double>?, UnsafePointer<Double>?, Double,
      UnsafeMutablePointer<Double>?, UnsafeMutablePointer<Double>?, UnsafeMutablePointer<Double>?, Int64,
      Int64
    ) -> Void
  { tk_layer_norm_f64 }
  package static var layerNormBackwardKernel:
    (
      UnsafePointer<Double>?, UnsafePointer<Double>?, UnsafePointer<Double>?, UnsafePointer<Double>?,
      UnsafePointer<Double>?, UnsafeMutablePointer<Double>?, UnsafeMutablePointer<Double>?,
      UnsafeMutablePointer<Double>?, Int64, Int64
    ) -> Void
  { tk_layer_norm_backward_f64 }
  package static var rmsNormKernel:
    (
      UnsafePointer<Double>?, UnsafePointer<Double>?, Double, UnsafeMutablePointer<Double>?,
      UnsafeMutablePointer<Double>?, Int64, Int64
    ) -> Void
  { tk_rms_norm_f64 }
  package static var rmsNormBackwardKernel:
    (
      UnsafePointer<Double>?, UnsafePointer<Double>?, UnsafePointer<Double>?, UnsafePointer<Double>?,
      UnsafeMutablePointer<Double>?, UnsafeMutablePointer<Double>?, Int64, Int64
    ) -> Void
  { tk_rms_norm_backward_f64 }
  package static var rotaryKernel:
    (
      UnsafePointer<Double>?, Int64, UnsafeMutablePointer<Double>?, UnsafePointer<Int32>?,
      UnsafePointer<Double>?, UnsafePointer<Double>?, Int64, Int64, Int64, Double
    ) -> Void
  { tk_rotary_f64 }
  package static var swiGLUKernel: MapBackwardKernel { tk_swiglu_f64 }
  package static var swiGLUBackwardKernel:
    (
      UnsafePointer<Double>?, UnsafePointer<Double>?, UnsafePointer<Double>?, UnsafeMutablePointer<Double>?,
      UnsafeMutablePointer<Double>?, Int64
    ) -> Void
  { tk_swiglu_backward_f64 }
}
