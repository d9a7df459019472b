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
  ],
  swiftLanguageModes: [.v6]
)
