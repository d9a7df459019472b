import Checkpoint
import Foundation
import Tensor

/// Writes what `torch.save` writes for a dictionary of tensors, and archives that it would not write.
public enum PyTorchWriter {
  /// A pickle and its storages: a dictionary of tensors of single precision or BFloat16.
  public static func save(_ tensors: [(name: String, tensor: Tensor)], to url: URL) throws {
    var pickle = Array("\u{2}}(".utf8)
    pickle.insert(0x80, at: 0)
    var members: [(name: String, bytes: [UInt8])] = []
    for (index, item) in tensors.enumerated() {
      let type = item.tensor.dtype == .bfloat16 ? "BFloat16Storage" : "FloatStorage"
      pickle += text(item.name) + Array("ctorch._utils\n_rebuild_tensor_v2\n((".utf8) + text("storage")
      pickle += Array("ctorch\n\(type)\n".utf8) + text("\(index)") + text("cpu") + number(item.tensor.count)
      pickle += Array("tQK\0".utf8)
      var (strides, inner): ([Int], Int) = ([], 1)
      for extent in item.tensor.shape.reversed() {
        strides.insert((strides.first ?? 1) * inner, at: 0)
        inner = extent
      }
      for numbers in [item.tensor.shape, strides] {
        pickle += Array("(".utf8) + numbers.flatMap(number) + Array("t".utf8)
      }
      pickle += [0x89] + Array("ccollections\nOrderedDict\n)RtR".utf8)
      members.append(("archive/data/\(index)", item.tensor.withElementBytes { [UInt8]($0) }))
    }
    pickle += Array("u.".utf8)
    try Data(archive([("archive/data.pkl", pickle)] + members)).write(to: url)
  }

  private static func text(_ text: String) -> [UInt8] {
    let bytes = Array(text.utf8)
    return [UInt8(ascii: "X")] + little(bytes.count, 4) + bytes
  }

  private static func number(_ value: Int) -> [UInt8] { [UInt8(ascii: "J")] + little(value, 4) }

  private static func little(_ value: Int, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(value >> (8 * $0) & 255) }
  }

  /// The bytes of a zip archive of stored members.
  public static func archive(_ members: [(name: String, bytes: [UInt8])]) -> [UInt8] {
    var (file, directory): ([UInt8], [UInt8]) = ([], [])
    for (name, bytes) in members {
      let name = Array(name.utf8)
      let sizes = little(Int(CRC32.of(bytes)), 4) + little(bytes.count, 4) + little(bytes.count, 4)
      let common = little(20, 2) + little(0, 8) + sizes + little(name.count, 2) + little(0, 2)
      directory += [0x50, 0x4B, 1, 2] + little(20, 2) + common + little(0, 10) + little(file.count, 4) + name
      file += [0x50, 0x4B, 3, 4] + common + name + bytes
    }
    let end =
      [0x50, 0x4B, 5, 6] + little(0, 4) + little(members.count, 2) + little(members.count, 2)
      + little(directory.count, 4) + little(file.count, 4) + little(0, 2)
    return file + directory + end
  }
}
