import Tensor

#if canImport(Glibc)
  import Glibc
#else
  import Foundation
#endif

/// Where a function of the C ABI puts a sentence.
typealias ErrorPlace = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?

/// Runs `body`; an error becomes text at `place` and the status 1.
func reporting(to place: ErrorPlace, _ body: () throws -> Void) -> Int32 {
  do {
    try body()
    return 0
  } catch {
    place?.pointee = strdup(String(describing: error))
    return 1
  }
}

/// Fails where a pointer that is written to, or read from, is NULL.
func present<Pointer>(_ pointer: Pointer?, _ operation: String, _ name: String) throws -> Pointer {
  guard let pointer else { throw TensorError(operation: operation, message: "\(name) is NULL") }
  return pointer
}

/// The text at an address.
func text(_ pointer: UnsafePointer<CChar>?, _ operation: String, _ name: String) throws -> String {
  let pointer = try present(pointer, operation, name)
  guard let text = String(validatingCString: pointer) else {
    throw TensorError(operation: operation, message: "\(name) is no text in UTF-8")
  }
  return text
}

/// What handles stand for.
func heldValues(
  of handles: UnsafePointer<Int64>?, count: Int32, _ operation: String
) throws -> [ArrayValue] {
  guard count >= 0 else { throw TensorError(operation: operation, message: "\(count) operands") }
  if count == 0 { return [] }
  let handles = try present(handles, operation, "the list of operands")
  return try (0..<Int(count)).map { try HandleTable.shared.value(of: handles[$0]) }
}
