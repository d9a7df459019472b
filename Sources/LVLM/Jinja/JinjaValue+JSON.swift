import Checkpoint

extension JinjaValue {
  /// A value of JSON; objects keep the order of the file.
  init(_ json: JSONValue) {
    switch json {
    case .object(let members):
      self = .mapping(JinjaMapping(of: members.map { (key: $0.key, value: JinjaValue($0.value)) }))
    case .array(let values): self = .list(values.map(JinjaValue.init))
    case .string(let text): self = .text(text)
    case .integer(let value): self = .integer(value)
    case .real(let value): self = .real(value)
    case .boolean(let flag): self = .boolean(flag)
    case .null: self = .none
    }
  }
}
