// swift-tools-version: 6.3
import PackageDescription

let package = Package(
  name: "benchmarks",
  dependencies: [.package(name: "mia-dpo-swift", path: "..")],
  targets: [
    .target(name: "CMemoryStream"),
    .executableTarget(
      name: "tensor-bench",
      dependencies: [
        "CMemoryStream", .product(name: "Tensor", package: "mia-dpo-swift"),
        .product(name: "LVLM", package: "mia-dpo-swift"),
        .product(name: "MultiImageData", package: "mia-dpo-swift"),
      ]),
  ],
  swiftLanguageModes: [.v6]
)
