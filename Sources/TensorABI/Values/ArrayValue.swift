import CTensorABI
import Tensor

/// What stands behind a handle: a tensor of numbers, or of complex ones.
enum ArrayValue: Sendable {
  case real(Tensor)
  case complex(ComplexTensor)

  var shape: [Int] {
    switch self {
    case .real(let x): x.shape
    case .complex(let z): z.shape
    }
  }

  /// The number of axes.
  var rank: Int { shape.count }

  /// The distances in elements; of complex numbers those of the real parts.
  var strides: [Int] {
    switch self {
    case .real(let x): x.strides
    case .complex(let z): z.real.strides
    }
  }

  var type: ElementType {
    switch self {
    case .real(let x): .real(x.dtype)
    case .complex(let z): .complex(z.dtype)
    }
  }

  /// The number of bytes that the elements take one after the other.
  var byteCount: Int { shape.reduce(type.byteSize, *) }

  /// Complex numbers as they are, real ones with no imaginary part.
  var asComplex: ComplexTensor {
    switch self {
    case .real(let x): ComplexTensor(x)
    case .complex(let z): z
    }
  }

  /// The same done to real numbers or to both parts of complex ones: for what moves elements.
  func moved(_ body: (Tensor) throws -> Tensor) rethrows -> ArrayValue {
    switch self {
    case .real(let x): .real(try body(x))
    case .complex(let z):
      .complex(ComplexTensor(real: try body(z.real), imaginary: try body(z.imaginary)))
    }
  }

  /// The elements in C order, complex ones as pairs of their parts: what their memory means outside.
  var interleaved: Tensor {
    switch self {
    case .real(let x): x.contiguous()
    case .complex(let z): z.viewAsReal().contiguous()
    }
  }
}

/// The type of elements, of either kind.
enum ElementType: Equatable, Sendable {
  case real(DType)
  case complex(ComplexDType)

  /// The numbers of `tensor_abi.h`, in its order.
  private static let codes: [ElementType] = [
    .real(.bool), .real(.uint8), .real(.int32), .real(.int64), .real(.float16), .real(.bfloat16),
    .real(.float32), .real(.float64), .complex(.complex64), .complex(.complex128), .real(.int8),
    .real(.int16),
    .real(.uint16), .real(.uint32), .real(.uint64),
  ]

  init?(code: Int32) {
    guard Self.codes.indices.contains(Int(code)) else { return nil }
    self = Self.codes[Int(code)]
  }

  /// The type of a name such as `float32`.
  init?(name: String) {
    if let type = DType(rawValue: name) {
      self = .real(type)
    } else if let type = ComplexDType(rawValue: name) {
      self = .complex(type)
    } else {
      return nil
    }
  }

  var code: Int32 { Int32(Self.codes.firstIndex(of: self)!) }

  var byteSize: Int {
    switch self {
    case .real(let type): type.byteSize
    case .complex(let type): type.byteSize
    }
  }
}
