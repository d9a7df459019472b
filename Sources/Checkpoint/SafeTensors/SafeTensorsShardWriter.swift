import Foundation

/// Weights of a model directory, in one file or in shards, as transformers names them.
package enum SafeTensorsShardWriter {
  /// The size above which transformers 4 begins another file, 5 GB.
  package static let defaultShardBytes = 5_000_000_000

  private static let single = "model.safetensors"
  private static let index = "model.safetensors.index.json"

  /// Writes `model.safetensors`, or `model-00001-of-0000N.safetensors` and `model.safetensors.index.json`
  /// when the items take more than `shardBytes`, with checksums, and removes the files of weights that were
  /// there before.
  ///
  /// Items keep their order: a file ends where the next item would make it too large; an item larger than
  /// that has its own. Source: `split_torch_state_dict_into_shards` of huggingface_hub.
  /// - Throws: ``CheckpointError`` of kind `cannotWrite`, or what an item throws; the earlier files are then
  ///   as they were.
  package static func write(
    _ items: [SafeTensors.Item], metadata: [String: String], to directory: URL, shardBytes: Int
  ) throws {
    var seen: Set<String> = []
    if let twice = items.first(where: { !seen.insert($0.name).inserted }) {
      throw CheckpointError(
        .cannotWrite, file: directory.path, at: twice.name, found: "two weights of this name",
        expected: "unique names")
    }
    let shards = shards(items, shardBytes)
    let names =
      shards.count == 1
      ? [single]
      : shards.indices.map {
        "model-\(padded($0 + 1))-of-\(padded(shards.count)).safetensors"
      }
    var files = names
    if shards.count > 1 { files.append(index) }
    try AtomicFile.replaceAll(files.map { directory.appendingPathComponent($0) }) { number, temporary in
      let place = directory.appendingPathComponent(files[number])
      if number < shards.count {
        try SafeTensors.write(shards[number], metadata, true, to: temporary, reportingAs: place)
      } else {
        let output = try OutputFile(temporary, reportingAs: place)
        try output.write(indexText(shards, names))
        try output.close()
      }
    }
    for old in (try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []
    where isWeightFile(old) && !files.contains(old) {
      unlink(directory.appendingPathComponent(old).path)
    }
  }

  private static func shards(_ items: [SafeTensors.Item], _ limit: Int) -> [[SafeTensors.Item]] {
    var shards: [[SafeTensors.Item]] = [[]]
    var size = 0
    for item in items {
      if size > 0, size + item.byteCount > limit {
        shards.append([])
        size = 0
      }
      shards[shards.count - 1].append(item)
      size += item.byteCount
    }
    return shards
  }

  private static func padded(_ number: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, 5 - digits.count)) + digits
  }

  private static func isWeightFile(_ name: String) -> Bool {
    name == single || name == index
      || name.wholeMatch(of: /model-[0-9]{5,}-of-[0-9]{5,}\.safetensors/) != nil
  }

  private static func indexText(_ shards: [[SafeTensors.Item]], _ names: [String]) -> String {
    let all = shards.joined()
    let places = zip(shards, names).flatMap { shard, name in shard.map { ($0.name, name) } }
    let map = places.sorted { $0.0 < $1.0 }.map { "    \(jsonLiteral($0.0)): \(jsonLiteral($0.1))" }
    let parameters = all.reduce(0) { $0 + $1.byteCount / $1.elementType.byteSize }
    let bytes = all.reduce(0) { $0 + $1.byteCount }
    return """
      {
        "metadata": {
          "total_parameters": \(parameters),
          "total_size": \(bytes)
        },
        "weight_map": {
      \(map.joined(separator: ",\n"))
        }
      }

      """
  }
}
