import Foundation
import Tensor
import TestSupport
import Testing

/// No operation is forgotten: what `Sources/Tensor/Operations` offers is in a table of special values, or
/// here with the reason why it is not.
struct SpecialCoverageTests {
  /// Tables' names of operations that are called otherwise.
  private static let otherNames: [String: String] = [
    "addNumber": "+", "add": "+", "minusNumber": "-", "numberMinus": "-", "subtract": "-", "negate": "-",
    "multiplyNumber": "*", "multiply": "*", "divideNumber": "/", "numberDivided": "/", "divide": "/",
    "powNumber": "pow", "equal": ".==", "notEqual": ".!=", "less": ".<", "lessOrEqual": ".<=",
    "greater": ".>",
    "greaterOrEqual": ".>=", "sumOfAll": "sum", "smoothedCrossEntropy": "crossEntropy",
    "nllLossMean": "nllLoss",
    "layerNormAffine": "layerNorm", "rmsNormWeighted": "rmsNorm",
    "maskedAttention": "scaledDotProductAttention",
    "nearest": "interpolate", "addWhole": "+", "minusWhole": "-", "wholeMinus": "-", "multiplyWhole": "*",
    "divideWhole": "/", "wholeDivided": "/", "floorDividedWhole": "floorDivided",
    "remainderWhole": "remainder", "powWhole": "pow", "clampedWhole": "clamped", "equalWhole": ".==",
    "notEqualWhole": ".!=", "lessWhole": ".<", "lessOrEqualWhole": ".<=", "greaterWhole": ".>",
    "greaterOrEqualWhole": ".>=", "lessFraction": ".<", "greaterOrEqualFraction": ".>=",
    "equalFraction": ".==",
  ]

  /// Operations without a row of their own.
  private static let reasons: [String: [String]] = [
    "moves or picks elements and computes nothing": [
      "chunked", "concatenated", "diagonal", "expanded", "expandedDimensions", "flattened", "flipped",
      "gather", "indexed",
      "indexSelect", "lowerTriangle", "upperTriangle", "masked", "maskedFill", "maskedScatter", "oneHot",
      "padded",
      "permuted", "repeated", "replacingRows", "reshaped", "rolled", "rows", "slice", "split", "squeezed",
      "stacked",
      "tiled", "transposed", "unfolded", "scatter",
    ],
    "makes numbers of arguments": ["arange", "linspace", "full", "causal", "problem"],
    "gives places or orders, with tests of its own for NaN and equals": [
      "argsort", "sorted", "topK", "unique", "nonZero",
    ],
    "works on bool alone": [".&", ".|", ".^", ".!"],
    "is the operator in place": ["+=", "-=", "*=", "/="],
    "is remainder": ["%"],
    "adds elements to others by position; the sum is in the tables": ["indexAdd", "scatterAdd"],
    "is a product of matrices, where BLAS decides the order of additions": [
      "matmul", "linear", "einsum", "tensordot", "outer", "conv1d", "conv2d", "convTransposed1d",
      "convTransposed2d", "conv3d", "affineGrid",
    ],
    "is the search of maxPool2d under other windows": ["adaptiveMaxPool1d", "adaptiveMaxPool2d"],
    "is the pooling of pictures, twice": ["maxPool3d", "averagePool3d"],
    "weighs elements by places, with a test of its own for those that are no numbers": ["gridSample"],
    "is the kernel of scaledDotProductAttention": ["attention", "attentionProbabilities"],
    "adds what attentionProbabilities gives, with tests of its own": ["attentionMass"],
    "is random": ["dropout"],
    "is tested below": ["isClose"],
    "has cases with special values of its own, see ArrayFunctionTests": [
      "hypot", "copysign", "nextAfter", "signBit", "trunc", "isPositiveInfinity", "isNegativeInfinity",
      "bitwiseAnd", "bitwiseOr", "bitwiseXor", "bitwiseNot", "bitwiseLeftShift", "bitwiseRightShift", "&",
      "|",
      "^", "~", "meshgrid", "broadcast", "moved", "unstacked", "diff", "takeAlong", "vecdot", "cross", "kron",
      "searchSorted", "isIn", "quantile", "median", "nanSum", "nanMean", "nanMax", "nanMin", "binCount",
      "histogram", "cdist", "covariance", "correlationCoefficients", "logAddExp",
    ],
  ]

  @Test func everyPublicOperation() throws {
    let folder = Fixtures.directory.deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Sources/Tensor/Operations")
    let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
      .filter { $0.pathExtension == "swift" }
    #expect(files.count > 30)
    var names: Set<String> = []
    for file in files {
      let text = try String(contentsOf: file, encoding: .utf8)
      let declaration = /public (?:static |mutating )?(?:prefix )?func ([A-Za-z0-9_]+|[^ A-Za-z0-9_]+)/
      for match in text.matches(of: declaration) {
        names.insert(String(match.1))
      }
    }
    let inTables = SpecialOperations.all.keys.map { Self.otherNames[$0] ?? $0 }
    let excused = Self.reasons.values.flatMap { $0 }
    #expect(Set(excused).count == excused.count)
    let missing = names.subtracting(inTables).subtracting(excused)
    #expect(missing.isEmpty, "without special values: \(missing.sorted())")
    #expect(Set(excused).intersection(inTables).isEmpty)
  }

  @Test func everyOperationInEveryFloatingType() throws {
    var types: [String: Set<DType>] = [:]
    for table in SpecialTableTests.tables {
      for row in try SpecialTable(table).cases {
        types[row.operation, default: []].insert(row.inputs[0].dtype)
      }
    }
    for name in SpecialOperations.all.keys where SpecialOperations.integers[name] == nil {
      let missing = Set([DType.float16, .bfloat16, .float32, .float64]).subtracting(types[name] ?? [])
      #expect(missing.isEmpty, "\(name) has no rows in \(missing)")
    }
  }

  /// What an integer type can do without becoming another one.
  @Test func integerOperationsInEveryIntegerType() throws {
    var types: [String: Set<DType>] = [:]
    for row in try SpecialTable("integers").cases {
      types[row.operation, default: []].insert(row.inputs[0].dtype)
    }
    let binary = [
      "add", "subtract", "multiply", "divide", "pow", "floorDivided", "remainder", "maximum", "minimum",
      "equal", "notEqual", "less", "lessOrEqual", "greater", "greaterOrEqual", "select",
    ]
    let others = [
      "negate", "abs", "sign", "relu", "square", "floor", "ceil", "round", "isNaN", "isInfinite", "isFinite",
      "sum", "prod", "cumsum", "cumprod", "max", "min", "argmax", "argmin", "any", "all", "countNonZero",
      "mean", "norm",
    ]
    for name in binary + others + SpecialOperations.integers.keys {
      let missing = Set([DType.int32, .int64, .uint8]).subtracting(types[name] ?? [])
      #expect(missing.isEmpty, "\(name) has no rows in \(missing)")
    }
  }

  /// A row of any length gives every element what a row of one gives it: loops of vectors and what is left
  /// over agree.
  @Test(arguments: [DType.float32, .float64]) func sameAtEveryPosition(type: DType) throws {
    let tables = try ["unary_float32", "unary_float64"].flatMap { try SpecialTable($0).cases }
    for row in tables where row.inputs[0].dtype == type {
      let operation = SpecialOperations.all[row.operation]!
      let values = row.inputs[0].array(of: Double.self)
      let alone = values.map { operation([Tensor([$0]).to(type)], row.arguments).array(of: Double.self)[0] }
      for length in 1...33 {
        // Another part of the values for every length, so that each stands at many places.
        let places = (0..<length).map { ($0 + 7 * length) % values.count }
        let cut = places.map { values[$0] }
        let spaced = Tensor(cut.flatMap { [$0, 1] }, shape: [length, 2]).to(type).slice(axis: 1, 0..<1)
        for x in [Tensor(cut).to(type), spaced] {
          let found = operation([x], row.arguments).array(of: Double.self)
          for (place, index) in places.enumerated() where found[place].bitPattern != alone[index].bitPattern {
            if found[place].isNaN && alone[index].isNaN { continue }
            Issue.record(
              "\(row.operation)\(row.arguments) of \(values[index]) at \(place) of \(length): \(found[place]), alone \(alone[index])"
            )
          }
        }
      }
    }
  }

  @Test func closeness() {
    let (infinity, nan) = (Double.infinity, Double.nan)
    let rows: [(Double, Double, Bool)] = [
      (infinity, infinity, true), (infinity, -infinity, false), (1, infinity, false), (infinity, 1, false),
      (nan, nan, false), (0, -0.0, true), (1e308, -1e308, false), (.leastNonzeroMagnitude, 0, true),
      (1, 1 + 1e-6, true),
      (1, 1.1, false),
    ]
    for (a, b, expected) in rows {
      #expect(Tensor([a]).isClose(to: Tensor([b])) == expected, "\(a) and \(b)")
      #expect(
        Tensor([a]).to(.float32).isClose(to: Tensor([b]).to(.float32)) == expected || abs(a) == 1e308,
        "\(a), \(b)")
      #expect(Tensor([0, a, 0, 0]).isClose(to: Tensor([0, b, 0, 0])) == expected)
    }
    #expect(Tensor.zeros([3, 4]).isClose(to: Tensor.zeros([4])))
    #expect(!Tensor.zeros([3, 4]).isClose(to: Tensor([0, 0, 1, 0] as [Float])))
  }
}
