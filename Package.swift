// swift-tools-version: 6.2
import PackageDescription

let swiftSettings: [SwiftSetting] = [.enableUpcomingFeature("MemberImportVisibility")]

let package = Package(
  name: "mia-dpo-swift",
  products: [
    .library(name: "Tensor", targets: ["Tensor"]),
    .library(name: "Checkpoint", targets: ["Checkpoint"]),
    .library(name: "LVLM", targets: ["LVLM"]),
    .library(name: "DPOTrain", targets: ["DPOTrain"]),
    .executable(name: "dpotrain", targets: ["dpotrain"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
    .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
  ],
  targets: [
    // Floor 0: system libraries and C kernels.
    .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
    .systemLibrary(name: "CLAPACKE", pkgConfig: "lapacke", providers: [.apt(["liblapacke-dev"])]),
    .systemLibrary(name: "CHDF5", pkgConfig: "hdf5", providers: [.apt(["libhdf5-dev"])]),
    .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
    .systemLibrary(
      name: "CTurboJPEG", pkgConfig: "libturbojpeg", providers: [.apt(["libturbojpeg0-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .target(
      name: "CSentencePiece",
      linkerSettings: [.linkedLibrary("sentencepiece"), .linkedLibrary("sentencepiece_train")]),
    .target(name: "CTensorKernels"),

    // Floor 1: tensors, and named tensors on disk.
    .target(
      name: "Tensor", dependencies: ["COpenBLAS", "CLAPACKE", "CTensorKernels"],
      swiftSettings: swiftSettings),
    .target(
      name: "Checkpoint", dependencies: ["Tensor", "CHDF5", "CZlib"], swiftSettings: swiftSettings),

    // Floor 2: the vision-language model.
    .target(
      name: "LVLM",
      dependencies: ["Tensor", "Checkpoint", "CTensorKernels", "CPNG", "CTurboJPEG", "CSentencePiece"],
      swiftSettings: swiftSettings),

    // Floor 3: the method.
    .target(
      name: "DPOTrain",
      dependencies: ["LVLM", "CZlib", .product(name: "Yams", package: "Yams")],
      swiftSettings: swiftSettings),

    // Between floors 3 and 4: comparisons with what a reference implementation stored.
    .target(name: "Verification", dependencies: ["DPOTrain"], swiftSettings: swiftSettings),

    // Floor 4: the command.
    .executableTarget(
      name: "dpotrain",
      dependencies: [
        "DPOTrain", "Verification", .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Sources/DPOTrainCLI", swiftSettings: swiftSettings),

    // Tests mirror the sources; TestSupport holds golden loading, tolerances and tiny models.
    .target(
      name: "TestSupport", dependencies: ["Tensor", "Checkpoint"], path: "Tests/TestSupport",
      swiftSettings: swiftSettings),
    .executableTarget(
      name: "tensor-conformance", dependencies: ["Tensor", "Checkpoint", "TestSupport"],
      path: "Sources/TensorConformance", swiftSettings: swiftSettings),
    .target(name: "CAllocationMeter"),
    .executableTarget(
      name: "tensor-fuzz",
      dependencies: [
        "Tensor", "Checkpoint", "CAllocationMeter",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Sources/TensorFuzz", swiftSettings: swiftSettings),
    .testTarget(
      name: "TensorTests", dependencies: ["Tensor", "Checkpoint", "TestSupport"],
      swiftSettings: swiftSettings),
    .testTarget(
      name: "CheckpointTests", dependencies: ["Checkpoint", "TestSupport"],
      swiftSettings: swiftSettings),
    .testTarget(
      name: "LVLMTests", dependencies: ["LVLM", "TestSupport"], swiftSettings: swiftSettings),
    .testTarget(
      name: "DPOTrainTests", dependencies: ["DPOTrain", "TestSupport"],
      swiftSettings: swiftSettings),
    .testTarget(
      name: "VerificationTests", dependencies: ["Verification", "TestSupport"],
      swiftSettings: swiftSettings),
    .testTarget(
      name: "CLITests",
      dependencies: [
        "dpotrain", "tensor-conformance", "Checkpoint", "DPOTrain", "LVLM", "Tensor", "TestSupport",
      ],
      swiftSettings: swiftSettings),
  ],
  swiftLanguageModes: [.v6]
)
