import Checkpoint
import DPOTrain
import Foundation
import MultiImageData
import Records

extension EvaluationResult {
  /// Version of the layout of `results.json`.
  public static let formatVersion = 1

  /// The stages in the order they run, which is their order in files and tables.
  package static let stageOrder = ["sft", "compose", "select", "train", "evaluate", "report"]

  /// Seconds by stage in the order the stages run, others after them alphabetically.
  public var orderedSeconds: [(stage: String, seconds: Double)] {
    let known = Self.stageOrder.filter { seconds[$0] != nil }
    let others = seconds.keys.filter { !Self.stageOrder.contains($0) }.sorted()
    return (known + others).map { ($0, seconds[$0]!) }
  }

  /// The content of `results.json`.
  public var json: OrderedJSON {
    .members([
      "format_version": .integer(Self.formatVersion), "config_name": .string(configName),
      "config_hash": .string(configHash), "seed": .integer(Int(truncatingIfNeeded: seed)),
      "configuration": .object(
        configuration.sorted { $0.key < $1.key }.map { .init($0.key, .string($0.value)) }),
      "versions": .object(versions.sorted { $0.key < $1.key }.map { .init($0.key, .string($0.value)) }),
      "seconds": .object(orderedSeconds.map { .init($0.stage, .number($0.seconds)) }), "before": before.json,
      "after": after?.json ?? .null, "change": changeJSON,
    ])
  }

  private var changeJSON: OrderedJSON {
    var members = QuestionKind.allCases.compactMap { kind in
      change[kind].map { OrderedJSON.Member(kind.rawValue, $0.json(named: "difference")) }
    }
    if let multiImageChange {
      members.append(.init("multi_image", multiImageChange.json(named: "difference")))
    }
    return .object(members)
  }

  /// Writes `results.json`, replacing the file in one step.
  public func write(to url: URL) throws {
    try AtomicFile.write(json.pretty.utf8, to: url)
  }

  /// Reads a `results.json`.
  /// - Throws: ``RowFileError`` naming the file and the key that is missing or of another type;
  ///   ``RunDirectoryError`` for one that is not as its run wrote it.
  public static func read(from url: URL) throws -> EvaluationResult {
    guard let data = try? StoredBytes.read(url) else {
      throw RowFileError(file: url.path, line: nil, found: "no readable file", expected: "results of a run")
    }
    try WrittenFile.verify(url)
    let stored = try RowDecoding.value(StoredResult.self, from: Data(data), file: url.path, line: nil)
    guard stored.format_version == formatVersion else {
      throw RowFileError(
        file: url.path, line: nil, key: "format_version", found: "\(stored.format_version)",
        expected: "\(formatVersion)")
    }
    return stored.result
  }
}

extension Interval {
  func json(named name: String) -> OrderedJSON {
    .members([name: .number(estimate), "low": .number(low), "high": .number(high)])
  }
}

extension AccuracyResult {
  fileprivate var members: [OrderedJSON.Member] {
    var members: [OrderedJSON.Member] = [
      .init("accuracy", .number(accuracy)), .init("low", .number(low)), .init("high", .number(high)),
      .init("answered_from_another_image", .optional(answeredFromAnotherImage)),
      .init("blind", .optional(blind)),
    ]
    if let attentionRatio { members.append(.init("attention_ratio", .number(attentionRatio))) }
    return members + [.init("n", .integer(n))]
  }
}

extension PermutedResult {
  fileprivate var json: OrderedJSON {
    .members([
      "accuracy": .number(accuracy.estimate), "low": .number(accuracy.low), "high": .number(accuracy.high),
      "unchanged": unchanged.json(named: "share"), "n": .integer(n),
    ])
  }
}

extension PhaseResult {
  fileprivate var json: OrderedJSON {
    var members: [OrderedJSON.Member] = QuestionKind.allCases.compactMap { kind in
      guard let result = kinds[kind] else { return nil }
      let images = result.byImages.map {
        OrderedJSON.object([.init("images", .integer($0.label))] + $0.result.members)
      }
      let families = result.byFamily.map {
        OrderedJSON.object([.init("family", .string($0.label))] + $0.result.members)
      }
      let places = result.byPlace.map {
        OrderedJSON.object([.init("place", .integer($0.label))] + $0.result.members)
      }
      var parts: [OrderedJSON.Member] = [.init("by_images", .array(images))]
      if !places.isEmpty { parts.append(.init("by_place", .array(places))) }
      parts.append(.init("by_family", .array(families)))
      if let permuted = result.permuted { parts.append(.init("permuted", permuted.json)) }
      return .init(kind.rawValue, .object(result.all.members + parts))
    }
    if let multiImage { members.append(.init("multi_image", .object(multiImage.members))) }
    if !attentionAUC.isEmpty {
      members.append(
        .init("attention_auc_by_layer", .array(attentionAUC.map { $0?.json(named: "auc") ?? .null })))
    }
    return .object(members)
  }
}

/// `results.json` as it is decoded: property names are its keys.
private struct StoredResult: Decodable {
  var format_version: Int
  var config_name: String
  var config_hash: String
  var configuration: [String: String]?
  var seed: Int
  var versions: [String: String]
  var seconds: [String: Double]
  var before: Phase
  var after: Phase?
  var change: [String: Difference]

  struct Difference: Decodable {
    var difference: Double
    var low: Double
    var high: Double
    var interval: Interval { Interval(estimate: difference, low: low, high: high) }
  }

  struct Area: Decodable {
    var auc: Double
    var low: Double
    var high: Double
  }

  struct Permuted: Decodable {
    var accuracy: Double
    var low: Double
    var high: Double
    var unchanged: Unchanged
    var n: Int

    struct Unchanged: Decodable {
      var share: Double
      var low: Double
      var high: Double
    }

    var result: PermutedResult {
      PermutedResult(
        accuracy: Interval(estimate: accuracy, low: low, high: high),
        unchanged: Interval(estimate: unchanged.share, low: unchanged.low, high: unchanged.high), n: n)
    }
  }

  struct Accuracy: Decodable {
    var accuracy: Double
    var low: Double
    var high: Double
    var answered_from_another_image: Double?
    var blind: Double?
    var attention_ratio: Double?
    var n: Int
    var images: Int?
    var place: Int?
    var family: String?
    var by_images: [Accuracy]?
    var by_place: [Accuracy]?
    var by_family: [Accuracy]?
    var permuted: Permuted?

    var result: AccuracyResult {
      AccuracyResult(
        accuracy: accuracy, low: low, high: high, answeredFromAnotherImage: answered_from_another_image,
        blind: blind, attentionRatio: attention_ratio, n: n)
    }

    var kind: KindResult {
      KindResult(
        all: result, byImages: (by_images ?? []).map { .init($0.images ?? 0, $0.result) },
        byPlace: (by_place ?? []).map { .init($0.place ?? 0, $0.result) },
        byFamily: (by_family ?? []).map { .init($0.family ?? "", $0.result) }, permuted: permuted?.result)
    }
  }

  struct Phase: Decodable {
    var single: Accuracy?
    var sequence: Accuracy?
    var grid: Accuracy?
    var pic_in_pic: Accuracy?
    var compare: Accuracy?
    var compare_grid: Accuracy?
    var find: Accuracy?
    var find_grid: Accuracy?
    var multi_image: Accuracy?
    var attention_auc_by_layer: [Area?]?

    var result: PhaseResult {
      var kinds: [QuestionKind: KindResult] = [:]
      kinds[.single] = single?.kind
      kinds[.sequence] = sequence?.kind
      kinds[.grid] = grid?.kind
      kinds[.picInPic] = pic_in_pic?.kind
      kinds[.compare] = compare?.kind
      kinds[.compareGrid] = compare_grid?.kind
      kinds[.find] = find?.kind
      kinds[.findGrid] = find_grid?.kind
      return PhaseResult(
        kinds: kinds, multiImage: multi_image?.result,
        attentionAUC: (attention_auc_by_layer ?? []).map { area in
          area.map { Interval(estimate: $0.auc, low: $0.low, high: $0.high) }
        })
    }
  }

  var result: EvaluationResult {
    var kinds: [QuestionKind: Interval] = [:]
    for kind in QuestionKind.allCases { kinds[kind] = change[kind.rawValue]?.interval }
    return EvaluationResult(
      configName: config_name, configHash: config_hash, configuration: configuration ?? [:],
      seed: UInt64(bitPattern: Int64(seed)),
      versions: versions, seconds: seconds, before: before.result, after: after?.result, change: kinds,
      multiImageChange: change["multi_image"]?.interval)
  }
}
