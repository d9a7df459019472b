import Tensor
import Testing

/// A tensor and what NumPy 2.4 prints for the same values.
struct PrintRow: Sendable {
  let tensor: Tensor
  let text: String
}

/// Expected texts are `str(array)`, pasted.
let printRows: [PrintRow] = [
  .init(tensor: Tensor([3.14159265358979, 1, -2.5] as [Float]), text: "[ 3.1415927  1.        -2.5      ]"),
  .init(
    tensor: Tensor([1e-5, 1.0, 123456.789]),
    text: """
      [1.00000000e-05 1.00000000e+00 1.23456789e+05]
      """),
  .init(
    tensor: (Tensor.arange(12).to(.float32) / 7).reshaped([3, 4]),
    text: """
      [[0.         0.14285715 0.2857143  0.42857143]
       [0.5714286  0.71428573 0.85714287 1.        ]
       [1.1428572  1.2857143  1.4285715  1.5714285 ]]
      """),
  .init(
    tensor: Tensor.arange(8).reshaped([2, 2, 2]) - 3,
    text: """
      [[[-3 -2]
        [-1  0]]

       [[ 1  2]
        [ 3  4]]]
      """),
  .init(
    tensor: Tensor([true, false, false, true], shape: [2, 2]),
    text: """
      [[ True False]
       [False  True]]
      """),
  .init(tensor: Tensor([.nan, -.infinity, 1.5] as [Double]), text: "[ nan -inf  1.5]"),
  .init(tensor: Tensor([.nan, .infinity] as [Float]), text: "[nan inf]"),
  .init(tensor: Tensor.arange(2000), text: "[   0    1    2 ... 1997 1998 1999]"),
  .init(
    tensor: Tensor.arange(30) * 1000,
    text: """
      [    0  1000  2000  3000  4000  5000  6000  7000  8000  9000 10000 11000
       12000 13000 14000 15000 16000 17000 18000 19000 20000 21000 22000 23000
       24000 25000 26000 27000 28000 29000]
      """),
  .init(
    tensor: Tensor((0..<17).map { Double($0) / 8 - 1 }),
    text: """
      [-1.    -0.875 -0.75  -0.625 -0.5   -0.375 -0.25  -0.125  0.     0.125
        0.25   0.375  0.5    0.625  0.75   0.875  1.   ]
      """),
  .init(
    tensor: Tensor.arange(90).reshaped([3, 30]),
    text: """
      [[ 0  1  2  3  4  5  6  7  8  9 10 11 12 13 14 15 16 17 18 19 20 21 22 23
        24 25 26 27 28 29]
       [30 31 32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53
        54 55 56 57 58 59]
       [60 61 62 63 64 65 66 67 68 69 70 71 72 73 74 75 76 77 78 79 80 81 82 83
        84 85 86 87 88 89]]
      """),
  .init(tensor: Tensor([1e10, -2.5e-3, 0]), text: "[ 1.0e+10 -2.5e-03  0.0e+00]"),
  .init(tensor: Tensor([1_234_567, 1] as [Float]), text: "[1.234567e+06 1.000000e+00]"),
  .init(tensor: Tensor([123456.7, 200] as [Float]), text: "[123456.7    200. ]"),
  .init(tensor: Tensor([1e-300, 1e300]), text: "[1.e-300 1.e+300]"),
  .init(tensor: Tensor([0.1, 2, -1000]).to(.float16), text: "[ 1.e-01  2.e+00 -1.e+03]"),
  .init(tensor: Tensor([0.1, 0.3333, 2]).to(.float16), text: "[0.1    0.3333 2.    ]"),
  .init(tensor: Tensor([0.1, 1.2345678e5] as [Float]), text: "[1.0000000e-01 1.2345678e+05]"),
  .init(tensor: Tensor([1e-7, 0.33333334] as [Float]), text: "[1.0000000e-07 3.3333334e-01]"),
  .init(tensor: Tensor([-0.0, 0.0]), text: "[-0.  0.]"),
  .init(tensor: Tensor(2.5), text: "2.5"),
  .init(tensor: Tensor(-7, dtype: .int64), text: "-7"),
  .init(tensor: Tensor(1, dtype: .bool), text: "True"),
  .init(
    tensor: Tensor([0, 255, 7, 10] as [UInt8], shape: [2, 2]),
    text: """
      [[  0 255]
       [  7  10]]
      """),
  .init(
    tensor: Tensor.arange(2400).reshaped([4, 20, 30]),
    text: """
      [[[   0    1    2 ...   27   28   29]
        [  30   31   32 ...   57   58   59]
        [  60   61   62 ...   87   88   89]
        ...
        [ 510  511  512 ...  537  538  539]
        [ 540  541  542 ...  567  568  569]
        [ 570  571  572 ...  597  598  599]]

       [[ 600  601  602 ...  627  628  629]
        [ 630  631  632 ...  657  658  659]
        [ 660  661  662 ...  687  688  689]
        ...
        [1110 1111 1112 ... 1137 1138 1139]
        [1140 1141 1142 ... 1167 1168 1169]
        [1170 1171 1172 ... 1197 1198 1199]]

       [[1200 1201 1202 ... 1227 1228 1229]
        [1230 1231 1232 ... 1257 1258 1259]
        [1260 1261 1262 ... 1287 1288 1289]
        ...
        [1710 1711 1712 ... 1737 1738 1739]
        [1740 1741 1742 ... 1767 1768 1769]
        [1770 1771 1772 ... 1797 1798 1799]]

       [[1800 1801 1802 ... 1827 1828 1829]
        [1830 1831 1832 ... 1857 1858 1859]
        [1860 1861 1862 ... 1887 1888 1889]
        ...
        [2310 2311 2312 ... 2337 2338 2339]
        [2340 2341 2342 ... 2367 2368 2369]
        [2370 2371 2372 ... 2397 2398 2399]]]
      """),
  .init(
    tensor: Tensor([1e-10, .infinity, -.infinity, .nan] as [Double]), text: "[1.e-10    inf   -inf    nan]"),
  .init(tensor: Tensor([0.1 + 0.2, 1.0 / 3, 2.0]), text: "[0.3        0.33333333 2.        ]"),
  .init(
    tensor: Tensor.arange(1200).to(.float64).reshaped([40, 30]).transposed() / 8,
    text: """
      [[0.00000e+00 3.75000e+00 7.50000e+00 ... 1.38750e+02 1.42500e+02
        1.46250e+02]
       [1.25000e-01 3.87500e+00 7.62500e+00 ... 1.38875e+02 1.42625e+02
        1.46375e+02]
       [2.50000e-01 4.00000e+00 7.75000e+00 ... 1.39000e+02 1.42750e+02
        1.46500e+02]
       ...
       [3.37500e+00 7.12500e+00 1.08750e+01 ... 1.42125e+02 1.45875e+02
        1.49625e+02]
       [3.50000e+00 7.25000e+00 1.10000e+01 ... 1.42250e+02 1.46000e+02
        1.49750e+02]
       [3.62500e+00 7.37500e+00 1.11250e+01 ... 1.42375e+02 1.46125e+02
        1.49875e+02]]
      """),
  .init(tensor: Tensor.zeros([0, 3]), text: "[]"),
  .init(
    tensor: Tensor.ones([2, 1, 1]),
    text: """
      [[[1.]]

       [[1.]]]
      """),
  .init(tensor: Tensor([123456789.0, 0.5]), text: "[1.23456789e+08 5.00000000e-01]"),
  .init(tensor: Tensor([1000.5, 1.0]), text: "[1.0005e+03 1.0000e+00]"),
]

@Suite struct PrintingTests {
  @Test(arguments: printRows.indices) func looksLikeNumPys(_ index: Int) {
    #expect(printRows[index].tensor.description == printRows[index].text)
  }

  @Test func debugDescriptionNamesShapeAndType() {
    #expect(Tensor(2.5).debugDescription == "Tensor(2.5, shape: [], dtype: float32)")
    #expect(
      (Tensor.arange(4).reshaped([2, 2])).debugDescription
        == "Tensor([[0, 1],\n        [2, 3]], shape: [2, 2], dtype: int64)")
    #expect(Tensor.zeros([0, 3]).debugDescription == "Tensor([], shape: [0, 3], dtype: float32)")
  }

  @Test func optionsChangeDigitsAndElision() {
    let x = Tensor([1.0 / 3, 2.0 / 3, 1e-7])
    #expect(x.formatted(PrintOptions(precision: 3, suppressesExponent: true)) == "[0.333 0.667 0.   ]")
    #expect(x.formatted(PrintOptions(precision: 3)) == "[3.333e-01 6.667e-01 1.000e-07]")
    #expect(Tensor.arange(10).formatted(PrintOptions(threshold: 5, edgeItems: 2)) == "[0 1 ... 8 9]")
    #expect(Tensor.arange(10).formatted(PrintOptions(threshold: 5, edgeItems: 0)) == "[...]")
    #expect(Tensor.arange(4).formatted(PrintOptions(lineWidth: 5), separator: ", ") == "[0,\n 1,\n 2,\n 3]")
  }

  @Test func gradientsDoNotShow() {
    #expect("\((Tensor([1, 2] as [Float]).requiringGradient() * 2))" == "[2. 4.]")
  }
}
