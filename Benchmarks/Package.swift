// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "benchmarks",
  dependencies: [.package(name: "mia-dpo-swift", path: "..")],
  targets: [
    .executableTarget(
      name: "tensor-bench",
      dependencies: [
        .product(name: "Tensor", package: "mia-dpo-swift"), .product(name: "LVLM", package: "mia-dpo-swift"),
      ])
  ],
  swiftLanguageModes: [.v6]
)
