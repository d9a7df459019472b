import Checkpoint
import Foundation
import LVLM
import Records

extension ThingPictures {
  /// Where Debian's tuxpaint-stamps-default puts its pictures.
  public static let debianStamps = "/usr/share/tuxpaint/stamps"
  private static let stampInstallation =
    "apt-get install -y --no-install-recommends tuxpaint-stamps-default"

  /// What the folders of the stamps show; others (symbols, seasons, people …) are of no one kind.
  private static let stampKinds: [String: ThingKind] = [
    "animals": .nature, "plants": .nature, "food": .food, "town": .place, "vehicles": .place, "space": .place,
    "household": .object, "clothes": .object, "medical": .object, "hobbies": .object, "sports": .activity,
  ]

  /// Tux Paint's stamps: cut-out photographs and drawings, each with a caption in the first line of the text
  /// file beside it. Flags, road signs, mirrored copies and pictures without caption are left out.
  ///
  /// - Parameters:
  ///   - folder: one folder for each kind of thing.
  ///   - seed: what questions and places are drawn with.
  ///   - size: side of the pictures in pixels.
  ///   - limits: records of each split; one for each picture where none is given.
  ///   - describeShare: the share of questions that ask for kind and colour, where a picture has one.
  ///   - answers: how ground truth is worded.
  ///   - policy: what becomes of pictures that cannot be decoded and captions that cannot be read.
  /// - Throws: ``DataError`` naming the folder; ``UnusableRecords`` naming the pictures and captions.
  public static func stamps(
    folder: String = debianStamps, seed: UInt64, size: Int, limits: [DataSplit: Int] = [:],
    describeShare: Double = 0, answers: AnswerStyle = .words,
    badRecords policy: LLaVAConversations.BadRecords = .stop
  ) throws -> ThingPictures {
    guard FileManager.default.fileExists(atPath: folder),
      let all = FileManager.default.enumerator(atPath: folder)
    else {
      throw DataError(file: folder, problem: "no such folder; install it with: \(stampInstallation)")
    }
    var entries: [Entry] = []
    var files: [String] = []
    var uncaptioned = 0
    var bad: [DataError] = []
    for path in all.compactMap({ $0 as? String }).sorted() where path.hasSuffix(".png") {
      let stem = String(path.dropLast(4))
      guard let kind = stampKinds[String(path.prefix { $0 != "/" })], !stem.hasSuffix("_mirror"),
        !path.hasPrefix("town/flags/"), !path.hasPrefix("town/roadsigns/")
      else { continue }
      let caption = folder + "/" + stem + ".txt"
      guard FileManager.default.fileExists(atPath: caption) else {
        uncaptioned += 1
        continue
      }
      let name: String
      do throws(DataError) {
        let text = try readText(caption, installation: stampInstallation)
        let first = text.split(separator: "\n", omittingEmptySubsequences: false).first.map(String.init) ?? ""
        name = first.trimmingASCIIWhitespace()
        if name.isEmpty {
          throw DataError(file: caption, problem: "its first line is empty, expected a caption")
        }
      } catch {
        bad.append(error)
        continue
      }
      entries.append(
        Entry(id: stem.replacing("/", with: "-").replacing(" ", with: "_"), name: name, kind: kind))
      files.append(folder + "/" + path)
    }
    guard !entries.isEmpty || !bad.isEmpty else {
      throw DataError(
        file: folder,
        problem: "has no PNG with a caption in any of \(stampKinds.keys.sorted().joined(separator: ", "))"
      )
    }
    let paths = files
    return try ThingPictures(
      name: "stamps", entries: entries, seed: seed, size: size, limits: limits, describeShare: describeShare,
      answers: answers,
      omissions: uncaptioned > 0 ? ["\(folder): left out \(uncaptioned) pictures without caption"] : [],
      badRecords: bad, policy: policy
    ) { try RGBImage(contentsOf: paths[$0]) }
  }
}

/// A whole text file.
/// - Throws: ``DataError``, for a missing file with the command that installs it.
func readText(_ path: String, installation: String) throws(DataError) -> String {
  guard let data = FileManager.default.contents(atPath: path) else {
    throw DataError(file: path, problem: "no such file; install it with: \(installation)")
  }
  guard let text = String(data: Data(data.withoutByteOrderMark), encoding: .utf8) else {
    throw DataError(file: path, problem: "is not text in UTF-8")
  }
  return text
}
