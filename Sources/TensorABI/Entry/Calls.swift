import CTensorABI
import Tensor

#if canImport(Glibc)
  import Glibc
#else
  import Foundation
#endif

/// The names of all operations; see `tensor_abi.h`.
@c @implementation
public func tensor_operations() -> UnsafeMutablePointer<CChar>? {
  strdup(OperationTable.all.keys.sorted().joined(separator: "\n"))
}

/// Calls an operation by its name; see `tensor_abi.h`.
@c @implementation
public func tensor_call(
  _ name: UnsafePointer<CChar>?, _ operands: UnsafePointer<tensor_handle>?, _ operand_count: Int32,
  _ attributes: UnsafePointer<CChar>?, _ results: UnsafeMutablePointer<tensor_handle>?,
  _ result_capacity: Int32, _ result_count: UnsafeMutablePointer<Int32>?,
  _ error: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> Int32 {
  reporting(to: error) {
    let name = try text(name, "call", "the name")
    guard let operation = OperationTable.all[name] else {
      throw TensorError(operation: "call", message: "no operation is called \(name)")
    }
    let words = attributes == nil ? "" : try text(attributes, name, "the attributes")
    let given = try heldValues(of: operands, count: operand_count, name)
    let attributes = try Attributes(words, operation: name)
    // Nothing is recorded: there is no backward pass in this ABI.
    let found = try Lease.with(given) { operands in
      try noGradient { try operation(Call(name: name, operands: operands, attributes: attributes)) }
    }
    guard found.count <= Int(result_capacity) else {
      throw TensorError(
        operation: name, message: "\(found.count) results, and room for \(result_capacity)")
    }
    let results = try present(results, name, "the place of the results")
    for (index, value) in found.enumerated() { results[index] = HandleTable.shared.add(value) }
    result_count?.pointee = Int32(found.count)
  }
}

/// Puts other elements at some positions; see `tensor_abi.h`.
@c @implementation
public func tensor_assign(
  _ tensor: tensor_handle, _ positions: UnsafePointer<CChar>?, _ lists: UnsafePointer<tensor_handle>?,
  _ list_count: Int32, _ value: tensor_handle, _ error: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> Int32 {
  reporting(to: error) {
    let target = try HandleTable.shared.value(of: tensor)
    let source = try HandleTable.shared.value(of: value)
    let words = try text(positions, "assign", "the text of positions")
    let given = try heldValues(of: lists, count: list_count, "assign")
    // A failed check must leave the old value as it was, so a copy is written to.
    let changed = try Lease.with([target, source] + given) { operands in
      try operands[0].assigning(
        operands[1], at: Positions.parse(words, lists: Array(operands.dropFirst(2))))
    }
    try HandleTable.shared.replace(tensor, with: changed)
  }
}

extension ArrayValue {
  /// A copy with other elements at some positions.
  fileprivate func assigning(_ value: ArrayValue, at positions: [TensorIndex]) throws -> ArrayValue {
    switch (self, value) {
    case (.real(var x), .real(let y)):
      x.assign(y, at: positions)
      return .real(x)
    case (.complex(let z), let value):
      var (a, b) = (z.real, z.imaginary)
      let w = value.asComplex
      a.assign(w.real, at: positions)
      b.assign(w.imaginary, at: positions)
      return .complex(ComplexTensor(real: a, imaginary: b))
    case (.real, .complex):
      throw TensorError(operation: "assign", message: "complex numbers into \(type)")
    }
  }
}
