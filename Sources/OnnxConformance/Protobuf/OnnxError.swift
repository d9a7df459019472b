/// Why a file cannot be read, or a test cannot be run or judged.
struct OnnxError: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
