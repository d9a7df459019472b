import Tensor

/// What the tables of special values do not have, with reasons, and which public names they mean by theirs.
enum SpecialExclusions {
  /// The public function or operator that an operation of the tables is.
  static func publicName(_ name: String) -> String {
    if let other = otherNames[name] { return other }
    if name.hasPrefix("to ") { return "to" }
    if SpecialOperations.complex[name] != nil {
      return "ComplexTensor." + name.dropFirst(7).prefix(1).lowercased() + name.dropFirst(8)
    }
    for ending in ["Number", "Whole", "Int", "Fraction", "Values", "Indices", "Inverse", "Counts"]
    where name.hasSuffix(ending) {
      let stem = String(name.dropLast(ending.count))
      return otherNames[stem] ?? stem
    }
    return name
  }

  static let otherNames: [String: String] = [
    "add": "+", "numberMinus": "-", "subtract": "-", "minusNumber": "-", "minusWhole": "-", "wholeMinus": "-",
    "minusInt": "-", "intMinus": "-", "negate": "-", "multiply": "*", "divide": "/", "numberDivided": "/",
    "wholeDivided": "/", "equal": ".==", "notEqual": ".!=", "less": ".<", "lessOrEqual": ".<=",
    "greater": ".>", "greaterOrEqual": ".>=", "numberLess": ".<", "numberLessOrEqual": ".<=",
    "numberGreater": ".>", "numberGreaterOrEqual": ".>=", "intLess": ".<", "intGreater": ".>",
    "numberRemainder": "%", "intRemainder": "%", "numberSelect": "select", "intSelect": "select",
    "clampedToInt": "clamped", "assignedInt": "maskedFill", "positive": "+", "sumOfAll": "sum",
    "smoothedCrossEntropy": "crossEntropy", "nllLossMean": "nllLoss", "layerNormAffine": "layerNorm",
    "rmsNormWeighted": "rmsNorm", "maskedAttention": "scaledDotProductAttention",
    "attentionWithAddedMask": "scaledDotProductAttention", "causalAttention": "scaledDotProductAttention",
    "nearest": "interpolate", "area": "interpolate", "histogramOfEdges": "histogram",
    "histogramOfRange": "histogram", "binCountWeighted": "binCount", "diffWithEnds": "diff",
    "matmulOfOne": "matmul", "matmulTransposed": "matmul", "linearOfOne": "linear", "einsumOuter": "einsum",
    "tensordotOuter": "tensordot", "convolutionOfOne": "conv1d", "lstmHidden": "lstmCell",
    "rnnCellReLU": "rnnCell", "swiGLUOfProducts": "swiGLU", "scatterAdded": "scatterAdd",
    "indexAdded": "indexAdd", "complexNegate": "ComplexTensor.-", "complexReciprocal": "ComplexTensor./",
    "complexAdd": "ComplexTensor.+", "complexSubtract": "ComplexTensor.-",
    "complexMultiply": "ComplexTensor.*", "complexDivide": "ComplexTensor./",
    "complexEqual": "ComplexTensor..==", "complexNotEqual": "ComplexTensor..!=",
    "complexTimesReal": "ComplexTensor.*", "complexByReal": "ComplexTensor./",
    "complexPlusReal": "ComplexTensor.+", "complexMinusReal": "ComplexTensor.-",
  ]

  /// Names that are held against the tables' operations as other spellings of them.
  static let spellings = ["+=", "-=", "*=", "/=", "&", "|", "^", "~", "ComplexTensor.magnitude"]

  /// Public functions and operators without rows.
  static let reasons: [String: [String]] = [
    "moves or picks elements; all of their bits are kept, see SpecialLayoutTests": [
      "concatenated", "expanded", "expandedDimensions", "flipped", "gather", "indexSelect", "lowerTriangle",
      "masked", "maskedScatter", "padded", "repeated", "reshaped", "rolled", "rows", "slice", "stacked",
      "takeAlong", "tiled", "transposed", "unfolded", "scatter", "flattened", "squeezed",
    ],
    "is made of those": [
      "broadcast", "chunked", "diagonal", "indexed", "meshgrid", "moved", "permuted", "replacingRows",
      "split", "unstacked", "upperTriangle",
    ],
    "makes numbers of arguments": ["arange", "linspace", "causal", "problem", "oneHot"],
    "gives places of what countNonZero counts": ["nonZero"],
    "works on bool alone, by maximum, minimum and comparison": [".&", ".|", ".^", ".!"],
    "is a sum of products like matmul and conv1d": [
      "conv2d", "convTransposed1d", "convTransposed2d", "conv3d", "affineGrid",
    ],
    "weighs elements by places, with a test of its own for those that are no numbers": ["gridSample"],
    "is the kernel of scaledDotProductAttention": ["attention"],
    "adds what attentionProbabilities gives, with tests of its own": ["attentionMass"],
    "is random": ["dropout"],
    "gives one truth, tested in SpecialCoverageTests": ["isClose"],
    "is the operation of both parts, or moves them": [
      "ComplexTensor.adjoint", "ComplexTensor.array", "ComplexTensor.concatenated",
      "ComplexTensor.contiguous", "ComplexTensor.detached", "ComplexTensor.expanded",
      "ComplexTensor.expandedDimensions", "ComplexTensor.flattened", "ComplexTensor.flipped",
      "ComplexTensor.indexed", "ComplexTensor.item", "ComplexTensor.permuted",
      "ComplexTensor.requiringGradient", "ComplexTensor.reshaped", "ComplexTensor.slice",
      "ComplexTensor.squeezed", "ComplexTensor.stacked", "ComplexTensor.to", "ComplexTensor.transposed",
      "ComplexTensor.viewAsComplex", "ComplexTensor.viewAsReal", "ComplexTensor.zeros",
    ],
    "is a sum of products of complex numbers": ["ComplexTensor.matmul"],
    "is made of sine and cosine": ["ComplexTensor.polar"],
    "gives a text or one truth": ["ComplexTensor.formatted", "ComplexTensor.isClose"],
  ]

  /// Operations of other elements than floating-point numbers.
  static let ofIntegers = ["binCount", "binCountWeighted", "matmulTransposed"]

  /// Operations without rows of integers that are no functions of one or two real numbers.
  static let withoutIntegers: [String: [String]] = [
    "computes in float32, as of real numbers": [
      "logSumExp", "logCumSumExp", "softmax", "logSoftmax", "layerNorm", "rmsNorm", "normalized", "lerp",
      "swiGLU", "averagePool1d", "averagePool2d", "averagePool3d", "adaptiveAveragePool1d",
      "adaptiveAveragePool2d", "area", "nearest", "rotary", "covariance", "correlationCoefficients",
      "histogramOfRange", "convolutionOfOne", "linearOfOne",
    ],
    "is a loss, a layer or attention": [
      "mseLoss", "l1Loss", "smoothL1Loss", "klDivergence", "binaryCrossEntropy", "crossEntropy",
      "smoothedCrossEntropy", "nllLoss", "nllLossMean", "layerNormAffine", "rmsNormWeighted", "groupNorm",
      "batchNorm", "scaledDotProductAttention", "maskedAttention", "attentionWithAddedMask",
      "causalAttention", "attentionProbabilities", "targetLogProbabilities", "lstmHidden", "lstmCell",
      "gruCell", "rnnCell", "rnnCellReLU", "swiGLUOfProducts",
    ],
    "is beside a number; integers have rows of their own for those": [
      "powNumber", "clamped", "addNumber", "minusNumber", "numberMinus", "multiplyNumber", "divideNumber",
      "numberDivided",
    ],
    "has rows of more or of other columns, or weights of every type": [
      "sumOfAll", "adaptiveMaxPool1d", "diffWithEnds", "binCountWeighted",
    ],
  ]
}
