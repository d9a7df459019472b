// swift-tools-version: 6.3
import PackageDescription

let swiftSettings: [SwiftSetting] = [.enableUpcomingFeature("MemberImportVisibility")]

let package = Package(
  name: "mia-dpo-swift",
  products: [
    .library(name: "Tensor", targets: ["Tensor"]),
    // libTensorABI.so, for other languages: Bindings/c/tensor_abi.h.
    .library(name: "TensorABI", type: .dynamic, targets: ["TensorABI"]),
    .library(name: "Checkpoint", targets: ["Checkpoint"]),
    .library(name: "Records", targets: ["Records"]),
    .library(name: "Ranks", targets: ["Ranks"]),
    .library(name: "LVLM", targets: ["LVLM"]),
    .library(name: "MultiImageData", targets: ["MultiImageData"]),
    .library(name: "DPOTrain", targets: ["DPOTrain"]),
    .library(name: "Evaluation", targets: ["Evaluation"]),
    .library(name: "Reporting", targets: ["Reporting"]),
    .library(name: "Runs", targets: ["Runs"]),
    .executable(name: "dpotrain", targets: ["dpotrain"]),
    .executable(name: "dpotrain-serve", targets: ["dpotrain-serve"]),
  ],
  traits: [
    // Whoever uses a library alone says `traits: []`, and nothing of the network is fetched.
    .trait(name: "Server", description: "The program dpotrain-serve, and with it SwiftNIO."),
    // Whoever trains on several machines says `--traits Server,MPI`; nobody else needs the library.
    .trait(name: "MPI", description: "Training over several processes, by Open MPI."),
    .default(enabledTraits: ["Server"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.0.0"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
  ],
  targets: [
    // Floor 0: system libraries and C kernels. What only the upper floors need is an ordinary C target: for a
    // system library SwiftPM asks pkg-config, and warns, even in a program that uses `Tensor` alone.
    .systemLibrary(name: "CMIAOpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
    .systemLibrary(name: "CMIALAPACKE", pkgConfig: "lapacke", providers: [.apt(["liblapacke-dev"])]),
    .target(name: "CMIAHDF5", linkerSettings: [.linkedLibrary("hdf5_serial")]),
    .target(name: "CMIAPNG", linkerSettings: [.linkedLibrary("png16")]),
    .target(name: "CMIATurboJPEG", linkerSettings: [.linkedLibrary("turbojpeg")]),
    .target(name: "CMIAWebP", linkerSettings: [.linkedLibrary("webp"), .linkedLibrary("webpdemux")]),
    .target(name: "CMIAZlib", linkerSettings: [.linkedLibrary("z")]),
    .target(
      name: "CMIASentencePiece",
      linkerSettings: [.linkedLibrary("sentencepiece"), .linkedLibrary("sentencepiece_train")]),
    // Asked for, by SwiftPM too, where the trait is on alone.
    .systemLibrary(name: "CMIAMPI", pkgConfig: "ompi-c", providers: [.apt(["libopenmpi-dev"])]),
    .target(name: "CTensorKernels"),
    // The header of the C ABI, which the library implements and its tests call.
    .systemLibrary(name: "CTensorABI", path: "Bindings/c"),

    // Floor 1: tensors, named tensors on disk, and what else is on disk: JSON, rows, the layout of a run.
    .target(
      name: "Tensor", dependencies: ["CMIAOpenBLAS", "CMIALAPACKE", "CTensorKernels"],
      swiftSettings: swiftSettings),
    .target(
      name: "TensorABI", dependencies: ["Tensor", "CMIALAPACKE", "CTensorABI"], swiftSettings: swiftSettings),
    .target(
      name: "Checkpoint", dependencies: ["Tensor", "CMIAHDF5", "CMIAZlib"], swiftSettings: swiftSettings),
    .target(name: "Records", dependencies: ["Checkpoint", "Tensor"], swiftSettings: swiftSettings),

    .target(
      name: "Ranks",
      dependencies: ["Records", "Tensor", .target(name: "CMIAMPI", condition: .when(traits: ["MPI"]))],
      swiftSettings: swiftSettings),

    // Floor 2: the vision-language model.
    .target(
      name: "LVLM",
      dependencies: [
        "Tensor", "Checkpoint", "CTensorKernels", "CMIAPNG", "CMIATurboJPEG", "CMIAWebP",
        "CMIASentencePiece",
      ],
      swiftSettings: swiftSettings),

    // Floor 3: pictures with questions, and prompts of several of them.
    .target(
      name: "MultiImageData", dependencies: ["LVLM", "Records", "Tensor", "Checkpoint", "CMIAZlib"],
      swiftSettings: swiftSettings),

    // Floor 4: the method.
    .target(
      name: "DPOTrain", dependencies: ["MultiImageData", "LVLM", "Ranks", "Records", "Tensor", "Checkpoint"],
      swiftSettings: swiftSettings),

    // Floor 5: what a model is worth, and how that is shown.
    .target(
      name: "Evaluation",
      dependencies: ["DPOTrain", "MultiImageData", "LVLM", "Records", "Tensor", "Checkpoint"],
      swiftSettings: swiftSettings),
    .target(
      name: "Reporting",
      dependencies: ["Evaluation", "DPOTrain", "MultiImageData", "LVLM", "Records", "Checkpoint"],
      swiftSettings: swiftSettings),

    // Floor 6: runs, from a configuration to a report.
    .target(
      name: "Runs",
      dependencies: [
        "Reporting", "Evaluation", "DPOTrain", "MultiImageData", "LVLM", "Ranks", "Records", "Tensor",
        "Checkpoint",
        .product(name: "Yams", package: "Yams"),
      ],
      swiftSettings: swiftSettings),

    // Between floors 4 and 7: comparisons with what a reference implementation stored.
    .target(
      name: "Verification", dependencies: ["DPOTrain", "LVLM", "Tensor", "Checkpoint"],
      swiftSettings: swiftSettings),

    // Floor 7: options that both commands have.
    .target(
      name: "CommandArguments",
      dependencies: [
        "Runs", "LVLM", "Records", "Tensor",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: swiftSettings),
    // Floor 8: the commands.
    .executableTarget(
      name: "dpotrain",
      dependencies: [
        "CommandArguments", "Runs", "Reporting", "Evaluation", "Verification", "DPOTrain", "MultiImageData",
        "LVLM", "Ranks", "Records",
        "Tensor", "Checkpoint",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Sources/DPOTrainCLI", swiftSettings: swiftSettings),

    // The server, a program of its own: nobody else links its network library.
    .target(
      name: "Serve",
      dependencies: [
        "LVLM", "Records", "Tensor", "Checkpoint",
        .product(name: "NIOCore", package: "swift-nio", condition: .when(traits: ["Server"])),
        .product(name: "NIOPosix", package: "swift-nio", condition: .when(traits: ["Server"])),
        .product(name: "NIOHTTP1", package: "swift-nio", condition: .when(traits: ["Server"])),
      ],
      swiftSettings: swiftSettings),
    .executableTarget(
      name: "dpotrain-serve",
      dependencies: [
        "CommandArguments", "Serve", "Runs", "LVLM", "Records", "Tensor",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Sources/DPOTrainServe", swiftSettings: swiftSettings),

    // Tests mirror the sources; TestSupport holds golden loading, tolerances and folders of tests.
    .target(
      name: "TestSupport", dependencies: ["Ranks", "Tensor", "Checkpoint"], path: "Tests/TestSupport",
      swiftSettings: swiftSettings),
    .target(
      name: "TestData", dependencies: ["MultiImageData", "LVLM", "TestSupport", "CMIAZlib"],
      path: "Tests/TestData",
      swiftSettings: swiftSettings),
    .executableTarget(
      name: "tensor-conformance", dependencies: ["Tensor", "Checkpoint", "TestSupport"],
      path: "Sources/TensorConformance", swiftSettings: swiftSettings),
    // What the readers make of files of other programs, as JSON; scripts/suites compares.
    .executableTarget(
      name: "file-conformance", dependencies: ["LVLM", "Records", "Checkpoint", "Tensor"],
      path: "Sources/FileConformance", swiftSettings: swiftSettings),
    // ONNX's own tests of its operators; scripts/onnx writes and counts them.
    .executableTarget(
      name: "onnx-conformance", dependencies: ["Tensor"], path: "Sources/OnnxConformance",
      swiftSettings: swiftSettings),
    .target(name: "CMIAAllocationMeter"),
    .executableTarget(
      name: "tensor-fuzz",
      dependencies: [
        "LVLM", "Tensor", "Checkpoint", "CMIAAllocationMeter",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Sources/TensorFuzz", swiftSettings: swiftSettings),
    .testTarget(
      name: "TensorTests", dependencies: ["Tensor", "Checkpoint", "TestSupport"],
      swiftSettings: swiftSettings),
    .testTarget(
      name: "TensorABITests", dependencies: ["TensorABI", "CTensorABI", "Tensor"],
      swiftSettings: swiftSettings),
    .testTarget(
      name: "CheckpointTests", dependencies: ["Checkpoint", "TestSupport"],
      swiftSettings: swiftSettings),
    .testTarget(
      name: "LVLMTests", dependencies: ["LVLM", "TestSupport"], swiftSettings: swiftSettings),
    .testTarget(
      name: "RecordsTests",
      dependencies: [
        "Records", "Checkpoint", "Tensor", "TestSupport",
      ],
      swiftSettings: swiftSettings),
    .testTarget(
      name: "RanksTests", dependencies: ["Ranks", "Records", "TestSupport"], swiftSettings: swiftSettings),
    .testTarget(
      name: "MultiImageDataTests",
      dependencies: [
        "MultiImageData", "LVLM", "Records", "Checkpoint", "Tensor", "TestSupport", "TestData",
      ],
      swiftSettings: swiftSettings),
    .testTarget(
      name: "DPOTrainTests",
      dependencies: [
        "DPOTrain", "MultiImageData", "LVLM", "Ranks", "Records", "Checkpoint", "Tensor", "TestSupport",
        "TestData",
      ],
      swiftSettings: swiftSettings),
    .testTarget(
      name: "EvaluationTests",
      dependencies: [
        "Evaluation", "DPOTrain", "MultiImageData", "LVLM", "Records", "Checkpoint", "Tensor", "TestSupport",
      ],
      swiftSettings: swiftSettings),
    .testTarget(
      name: "ReportingTests",
      dependencies: [
        "Reporting", "Evaluation", "DPOTrain", "MultiImageData", "LVLM", "Records", "Checkpoint", "Tensor",
        "TestSupport",
      ],
      swiftSettings: swiftSettings),
    .testTarget(
      name: "RunsTests",
      dependencies: [
        "Runs", "Reporting", "Evaluation", "DPOTrain", "MultiImageData", "LVLM", "Records", "Checkpoint",
        "Tensor", "TestSupport", "TestData",
      ],
      swiftSettings: swiftSettings),
    .testTarget(
      name: "VerificationTests", dependencies: ["Verification", "TestSupport"],
      swiftSettings: swiftSettings),
    .testTarget(
      name: "ServeTests",
      dependencies: ["Serve", "LVLM", "Records", "Checkpoint", "Tensor", "TestSupport"],
      swiftSettings: swiftSettings),
    .testTarget(
      name: "CLITests",
      dependencies: [
        "dpotrain", "dpotrain-serve", "tensor-conformance", "onnx-conformance", "Runs", "Reporting",
        "Evaluation", "DPOTrain",
        "MultiImageData",
        "LVLM", "Records", "Tensor", "Checkpoint", "TestSupport",
      ],
      swiftSettings: swiftSettings),
  ],
  swiftLanguageModes: [.v6]
)
