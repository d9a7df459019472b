import CMIAZlib
import Foundation
import TestSupport

/// Fashion-MNIST with few pictures, as files.
package enum SmallFashion {
  package static let names = [
    "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
  ]

  package static func gzipped(_ bytes: [UInt8]) throws -> [UInt8] {
    let folder = try TemporaryFolder()
    let file = gzopen(folder.path + "/x.gz", "wb")
    gzwrite(file, bytes, UInt32(bytes.count))
    gzclose(file)
    return [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder.path + "/x.gz")))
  }

  package static func big(_ number: Int) -> [UInt8] {
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> $0) }
  }

  package static func pictures(_ count: Int) -> [UInt8] {
    big(2051) + big(count) + big(28) + big(28)
      + (0..<count).flatMap { picture in
        (0..<784).map { UInt8(truncatingIfNeeded: picture % 3 == 0 ? 230 : $0 % 28 * (picture % 5)) }
      }
  }

  package static func labels(_ count: Int) -> [UInt8] {
    big(2049) + big(count) + (0..<count).map { UInt8($0 % 10) }
  }

  package static func small() throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    try folder.write(gzipped(pictures(150)), to: names[0])
    try folder.write(gzipped(labels(150)), to: names[1])
    try folder.write(gzipped(pictures(30)), to: names[2])
    try folder.write(gzipped(labels(30)), to: names[3])
    return folder
  }
}
