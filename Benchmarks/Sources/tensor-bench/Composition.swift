import Foundation
import LVLM
import MultiImageData
import Synchronization

/// Grids and pictures in pictures at the paper's size: `compose grid N` and `compose pic-in-pic` from
/// pictures in memory to a canvas in memory; with `files`, from JPEG to JPEG; with `alone`, on one thread.
struct Composition {
  /// Canvases of one repetition.
  static let batch = 16
  private let count: Int
  private let files: [String]
  private let pictures: [RGBImage]
  private let threads: Int
  private let folder: URL?

  init?(_ name: String) throws {
    let words = name.split(separator: " ")
    guard words.count > 1, let source = ProcessInfo.processInfo.environment["COMPOSE_PICTURES"] else {
      return nil
    }
    let number = words.count > 2 ? Int(words[2]) : nil
    guard words[1] == "pic-in-pic" || number.flatMap({ GridGeometry(count: $0, cell: 448) }) != nil else {
      return nil
    }
    count = words[1] == "grid" ? number ?? 0 : 0
    files = try FileManager.default.contentsOfDirectory(atPath: source).sorted().map { source + "/" + $0 }
    pictures = try files.map { try RGBImage(contentsOf: $0) }
    threads = words.contains("alone") ? 1 : ProcessInfo.processInfo.activeProcessorCount
    folder = words.contains("files") ? FileManager.default.temporaryDirectory : nil
  }

  /// Makes a batch; different pictures for every canvas.
  func run() throws {
    let next = Atomic(0)
    DispatchQueue.concurrentPerform(iterations: threads) { _ in
      while true {
        let number = next.add(1, ordering: .relaxed).oldValue
        if number >= Self.batch { return }
        try! make(number)
      }
    }
  }

  private func make(_ number: Int) throws {
    let canvas = try compose(number)
    guard let folder else { return }
    try canvas.writeJPEG(to: folder.appendingPathComponent("ours-\(number).jpg").path)
  }

  private func compose(_ number: Int) throws -> RGBImage {
    func picture(_ place: Int) throws -> RGBImage {
      let index = (number * 3 + place) % files.count
      return folder == nil ? pictures[index] : try RGBImage(contentsOf: files[index])
    }
    guard let geometry = GridGeometry(count: count, cell: 448) else {
      return Collage.pictureInPicture(inner: try picture(0), outer: try picture(1), scale: 0.7)
    }
    return Collage.grid(try (0..<count).map(picture), geometry: geometry)
  }
}
