/// `compose`: how many multi-image prompts of each format are made, and their geometry.
public struct CompositionSettings: Sendable, Equatable {
  /// How many records have how many images, in ascending number of images.
  ///
  /// In YAML either `{2: 400, 3: 200}` or `{total: 600, counts: [2, 3]}`, which divides the total evenly
  /// and gives the remainder to the smallest numbers of images.
  public struct Mix: Sendable, Equatable {
    /// Records with one number of images.
    public struct Entry: Sendable, Equatable {
      /// Images per record.
      public var images: Int
      /// Number of records.
      public var records: Int

      /// `records` records of `images` images.
      public init(images: Int, records: Int) {
        self.images = images
        self.records = records
      }
    }

    /// In ascending number of images.
    public var entries: [Entry]

    /// The entries in ascending number of images.
    public init(_ entries: [Entry]) { self.entries = entries.sorted { $0.images < $1.images } }

    /// `total` records over the numbers of images in `counts`, as evenly as possible.
    public init(total: Int, counts: [Int]) {
      let ascending = counts.sorted()
      let share = ascending.isEmpty ? 0 : total / ascending.count
      let remainder = ascending.isEmpty ? 0 : total % ascending.count
      entries = ascending.enumerated().map {
        Entry(images: $1, records: share + ($0 < remainder ? 1 : 0))
      }
    }

    /// Number of records.
    public var total: Int { entries.reduce(0) { $0 + $1.records } }
    /// The numbers of images, ascending.
    public var counts: [Int] { entries.map(\.images) }
  }

  /// `compose.pic_in_pic`: one picture inside another.
  public struct PicInPic: Sendable, Equatable {
    /// Number of records.
    public var total = 800
    /// Binding side of the inner picture as a share of the outer one: the released code uses 0.7, the paper
    /// says about half.
    public var innerScale = 0.5

    /// All defaults.
    public init() {}
  }

  /// Sizes of composed pictures where no other is given.
  public enum Geometry: String, CaseIterable, Sendable {
    /// Cells as large as the model's picture; small outer pictures enlarged to it.
    case model
    /// The paper's: cells of 448 pixels, gaps and label strips of 40, outer pictures as they are.
    case paper
  }

  /// Folder of `dpotrain make-data` whose prompts are taken in place of new ones; `nil` for new ones.
  public var path: String?
  /// Sizes of composed pictures where no other is given.
  public var geometry = Geometry.model
  /// The files of composed pictures.
  public var pictureFormat = PictureFormat.png
  /// Separate images one after the other, 2 to 5.
  public var sequence = Mix(total: 2000, counts: [2, 3, 4, 5])
  /// Labelled collages of 2, 3, 4, 6 or 9 cells in one picture.
  public var grid = Mix(total: 2000, counts: [2, 3, 4, 6, 9])
  /// One picture inside another.
  public var picInPic = PicInPic()
  /// Side of one grid cell before the collage is scaled to the model's picture, pixels; 0 leaves it to the
  /// geometry.
  public var cellSize = 0
  /// Single-image records kept beside the composed ones, as ballast for training.
  public var single = 0
  /// Sequences of which two named pictures are compared.
  public var compare = Mix([])
  /// Grids of which two named pictures are compared.
  public var compareGrid = Mix([])
  /// Sequences of which one picture is to be found.
  public var find = Mix([])
  /// Grids of which one picture is to be found.
  public var findGrid = Mix([])

  /// All defaults.
  public init() {}
}

extension CompositionSettings {
  /// Numbers of images a sequence may have.
  public static let sequenceCounts = [2, 3, 4, 5]
  /// Numbers of cells a grid may have.
  public static let gridCounts = [2, 3, 4, 6, 9]
  /// Numbers of images of which two can be named and one is left to look at in their place.
  public static let comparedCounts = sequenceCounts.filter { $0 > 2 }
  /// Numbers of cells of which two can be named and one is left to look at in their place.
  public static let comparedGridCounts = gridCounts.filter { $0 > 2 }

  /// The prompts of both levels, each with its key.
  package var levels: [(key: String, level: PromptLevel, kind: CompositionKind, mix: Mix)] {
    [
      ("compare", .compare, .sequence, compare), ("compare_grid", .compare, .grid, compareGrid),
      ("find", .find, .sequence, find), ("find_grid", .find, .grid, findGrid),
    ]
  }

  /// The kinds of which there are records.
  package var kinds: [QuestionKind] {
    let named: [(QuestionKind, Int)] = [
      (.single, single), (.sequence, sequence.total), (.grid, grid.total), (.picInPic, picInPic.total),
    ]
    return (named + levels.map { ($0.kind.questionKind($0.level), $0.mix.total) }).filter { $0.1 > 0 }.map(
      \.0)
  }

  /// Pictures that all records give a model, collages as one.
  package var shownImages: Int {
    func shown(_ mix: Mix, _ kind: CompositionKind) -> Int {
      kind == .sequence ? mix.entries.reduce(0) { $0 + $1.images * $1.records } : mix.total
    }
    return levels.reduce(shown(sequence, .sequence) + grid.total + picInPic.total) {
      $0 + shown($1.mix, $1.kind)
    }
  }
}
