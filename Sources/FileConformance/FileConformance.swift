import Checkpoint
import Foundation
import LVLM
import Records
import Tensor

/// `file-conformance KIND FILE …`: what the package reads in files of other programs, a line of JSON for
/// each: what is in it, or the error in words. `scripts/suites` compares these lines with the programs that
/// the files belong to.
@main struct FileConformance {
  private enum Kind: String, CaseIterable { case json, hdf5, npy, npz, safetensors, gguf, picture, tokenizer }

  static func main() {
    let arguments = CommandLine.arguments.dropFirst()
    guard let kind = arguments.first.flatMap(Kind.init) else {
      end(
        "found \(arguments.first.map { "`\($0)`" } ?? "no kind of file"), expected one of "
          + Kind.allCases.map(\.rawValue).joined(separator: ", "))
    }
    let files = arguments.dropFirst().map { URL(fileURLWithPath: $0) }
    if kind == .tokenizer {
      guard files.count == 2 else { end("expected a tokenizer and a file with a JSON text a line") }
      return encode(with: files[0], textsOf: files[1])
    }
    for file in files {
      // The line of a file is there before the next one is touched, should that end the process.
      print(line { try read(file, kind) })
      fflush(nil)
    }
  }

  private static func read(_ file: URL, _ kind: Kind) throws -> OrderedJSON {
    switch kind {
    case .json: try readJSON(file)
    case .hdf5: try readHDF5(file)
    case .npy: described(try NPY.readStored(file))
    case .npz: try readNPZ(file)
    case .safetensors: try readSafeTensors(file)
    case .gguf: try readGGUF(file)
    case .picture: try readPicture(file)
    case .tokenizer: .null
    }
  }

  /// What was read, or why not.
  private static func line(_ read: () throws -> OrderedJSON) -> String {
    do {
      return OrderedJSON.members(["found": try read()]).line
    } catch {
      return OrderedJSON.members(["error": .string("\(error)")]).line
    }
  }

  private static func end(_ sentence: String) -> Never {
    FileHandle.standardError.write(Data("error: \(sentence)\n".utf8))
    exit(2)
  }

  private static func readJSON(_ url: URL) throws -> OrderedJSON {
    try OrderedJSON(parsing: [UInt8](Data(contentsOf: url)))
  }

  /// Type, shape and little-endian bytes of an array.
  private static func described(_ array: StoredArray) -> OrderedJSON {
    .members([
      "type": .string(array.elementType.rawValue), "shape": .array(array.shape.map(OrderedJSON.integer)),
      "bytes": .string(Data(array.bytes).base64EncodedString()),
    ])
  }

  /// Every dataset by itself: one that is refused says nothing about the others.
  private static func readHDF5(_ url: URL) throws -> OrderedJSON {
    let file = try HDF5File(reading: url)
    return .object(try file.datasets(order: .name).map { name in member(name) { try file.read(name) } })
  }

  private static func readNPZ(_ url: URL) throws -> OrderedJSON {
    let file = try NPZ.read(url)
    return .object(file.names.map { name in member(name) { try file.array(name) } })
  }

  private static func readSafeTensors(_ url: URL) throws -> OrderedJSON {
    let file = try SafeTensors.read(url)
    return .object(try file.names.map { .init($0, described(try file.array($0))) })
  }

  /// Weights as Float32, whatever blocks they lie in.
  private static func readGGUF(_ url: URL) throws -> OrderedJSON {
    let file = try GGUFFile(reading: url)
    return .object(
      file.entries.map { entry in
        member(entry.name) {
          StoredArray(try file.tensor(entry.name, as: .float32).array(of: Float.self), shape: entry.shape)
        }
      })
  }

  private static func member(_ name: String, _ read: () throws -> StoredArray) -> OrderedJSON.Member {
    do {
      return .init(name, described(try read()))
    } catch {
      return .init(name, .members(["error": .string("\(error)")]))
    }
  }

  /// The pixels in RGB, transparency left out.
  private static func readPicture(_ url: URL) throws -> OrderedJSON {
    let picture = try RGBImage(contentsOf: url.path, transparency: .dropped)
    return described(StoredArray(.uint8, shape: [picture.height, picture.width, 3], bytes: picture.pixels))
  }

  /// A line of ids and the text that they give for each text.
  private static func encode(with tokenizer: URL, textsOf url: URL) {
    do {
      let tokenizer = try Tokenizer(contentsOf: tokenizer)
      let texts = try Data(contentsOf: url).split(separator: UInt8(ascii: "\n"))
      for text in texts {
        print(
          line {
            guard case .string(let text) = try OrderedJSON(parsing: [UInt8](text)) else { return .null }
            let ids = try tokenizer.encode(parsingTokens: text)
            return .members([
              "ids": .array(ids.map { .integer(Int($0)) }),
              "text": .string(tokenizer.decode(ids, showsSpecialTokens: true)),
            ])
          })
      }
    } catch {
      end("\(error)")
    }
  }
}
