// swift-tools-version: 6.3
import PackageDescription

let package = Package(
  name: "tensor-examples",
  dependencies: [.package(name: "mia-dpo-swift", path: "..", traits: [])],
  targets: [
    .executableTarget(
      name: "linear-regression", dependencies: [.product(name: "Tensor", package: "mia-dpo-swift")]),
    .executableTarget(
      name: "custom-op", dependencies: [.product(name: "Tensor", package: "mia-dpo-swift")]),
    .executableTarget(
      name: "linear-algebra", dependencies: [.product(name: "Tensor", package: "mia-dpo-swift")]),
    .executableTarget(
      name: "fashion-mnist", dependencies: [.product(name: "Tensor", package: "mia-dpo-swift")]),
    .executableTarget(name: "mlp", dependencies: [.product(name: "Tensor", package: "mia-dpo-swift")]),
    .executableTarget(
      name: "transformer", dependencies: [.product(name: "Tensor", package: "mia-dpo-swift")]),
    .executableTarget(name: "rnn", dependencies: [.product(name: "Tensor", package: "mia-dpo-swift")]),
    .executableTarget(
      name: "gaussian-process", dependencies: [.product(name: "Tensor", package: "mia-dpo-swift")]),
    .executableTarget(name: "pinn", dependencies: [.product(name: "Tensor", package: "mia-dpo-swift")]),
    // The only one that reads and writes files of weights, and so needs HDF5 and zlib.
    .executableTarget(
      name: "two-models",
      dependencies: [
        .product(name: "Tensor", package: "mia-dpo-swift"),
        .product(name: "Checkpoint", package: "mia-dpo-swift"),
      ]),
  ],
  swiftLanguageModes: [.v6]
)
