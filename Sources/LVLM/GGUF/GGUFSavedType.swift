import Checkpoint
import Tensor

/// The type that the matrices of a model get in llama.cpp's files; norms, biases, patches and positions are
/// Float32 in any case, as its converter has them.
public enum GGUFSavedType: Equatable, Sendable {
  /// The type that each had in the file it was read from; Float32 for a new one and for one that was
  /// quantised.
  case stored
  /// The same type for all.
  case encoding(GGUFEncoding)

  /// Those that numbers are rounded to here.
  public static let encodings: [GGUFEncoding] = GGUFEncoding.allCases.filter {
    $0.blockEncoding?.canRound ?? true
  }

  /// The encoding of a matrix. Rows that are no whole number of blocks are F16, as in llama.cpp's converter.
  func encoding(of weight: VisionLanguageModel.SavedWeight) -> GGUFEncoding {
    switch self {
    case .stored:
      switch weight.stored {
      case .float16: .f16
      case .bfloat16: .bf16
      default: .f32
      }
    case .encoding(let encoding):
      (weight.shape.last ?? 1).isMultiple(of: encoding.blockLength) ? encoding : .f16
    }
  }
}

extension GGUFEncoding {
  /// The number of `general.file_type` for a file whose matrices mostly have this type: `llama_ftype` in
  /// llama.cpp's `llama.h`.
  var fileType: UInt32 {
    switch self {
    case .f16: 1
    case .q4_0: 2
    case .q8_0: 7
    case .bf16: 32
    default: 0
    }
  }
}

/// A file of llama.cpp's that is to be written.
struct GGUFPlan {
  var metadata: [(key: String, value: GGUFField)]
  var items: [GGUFWriter.Item]

  /// The type that most of the values have.
  var usual: GGUFEncoding {
    let counts = Dictionary(
      items.filter { $0.shape.count > 1 }.map { ($0.encoding, $0.shape.reduce(1, *)) }, uniquingKeysWith: +)
    return counts.max { ($0.value, $0.key.rawValue) < ($1.value, $1.key.rawValue) }?.key ?? .f32
  }

  /// Matrices that are F16 because their rows are no whole blocks of the type that was asked for.
  func unblocked(_ type: GGUFSavedType) -> [String] {
    guard case .encoding(let encoding) = type, encoding.blockEncoding != nil else { return [] }
    return items.filter { $0.encoding == .f16 }.map(\.name)
  }

  /// The keys that say of what kind a file is.
  static func general(
    architecture: String, type: String, name: String, fileType: GGUFEncoding? = nil
  ) -> [(key: String, value: GGUFField)] {
    var fields: [(key: String, value: GGUFField)] = [
      ("general.architecture", .string(architecture)), ("general.type", .string(type)),
      ("general.name", .string(name)), ("general.quantization_version", .uint32(2)),
    ]
    if let fileType { fields.append(("general.file_type", .uint32(fileType.fileType))) }
    return fields
  }
}
