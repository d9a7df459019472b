import Tensor

/// How many images the multi-image prompts of a source get: by the rank of a record in its source, in
/// MIA-DPO's shares.
///
/// The authors made sequences and grids of 62,461 records, a tenth of LLaVA's mixture, and gave the first
/// ranks of every source two images, the next three, and so on. Sources of other sizes get the same shares.
public struct ImageCounts: Sendable, Equatable {
  /// Records that get one number of images.
  public struct Share: Sendable, Equatable {
    /// Images per prompt.
    public var images: Int
    /// Records of the authors' source.
    public var records: Int
  }

  /// Shares in the order of ranks.
  public let shares: [Share]
  private let total: Int

  private init(_ counts: [Int], _ records: [Int]) {
    shares = zip(counts, records).map { Share(images: $0, records: $1) }
    total = records.reduce(0, +)
  }

  /// The number of images for a rank, from 0, in a source of `total` records.
  /// - Precondition: `0 <= rank < total`.
  public func images(ofRank rank: Int, of total: Int) -> Int {
    tensorRequire(rank >= 0 && rank < total, "ImageCounts", "no rank \(rank) among \(total) records")
    var end = 0
    for share in shares {
      end += share.records
      if rank * self.total < end * total { return share.images }
    }
    return shares[shares.count - 1].images
  }

  /// The shares of a source; of all sources together where the authors had no such source. `nil` where they
  /// made no such prompts of it: grids and pictures in pictures of `vg`.
  public static func of(_ source: String, _ kind: CompositionKind) -> ImageCounts? {
    switch kind {
    case .sequence: ImageCounts([2, 3, 4, 5], sequences[source] ?? sum(sequences))
    case .grid: source == "vg" ? nil : ImageCounts([2, 3, 4, 6, 9], grids[source] ?? sum(grids))
    case .pictureInPicture: source == "vg" ? nil : ImageCounts([2], [1])
    }
  }

  private static let sequences = [
    "textvqa": [1200, 350, 350, 295], "coco": [20_000, 6000, 6000, 4410],
    "ocr_vqa": [4500, 1200, 1200, 1100],
    "vg": [4800, 1300, 1300, 1242], "gqa": [3800, 1200, 1100, 1114],
  ]

  private static let grids = [
    "textvqa": [1000, 300, 300, 300, 295], "ocr_vqa": [3800, 1100, 1100, 1100, 900],
    "gqa": [3200, 1100, 1100, 900, 914], "coco": [18_000, 5000, 5000, 4000, 4410],
  ]

  private static func sum(_ table: [String: [Int]]) -> [Int] {
    table.values.reduce(into: []) { sums, row in
      sums = sums.isEmpty ? row : zip(sums, row).map(+)
    }
  }
}
