import Records

extension ConfigurationField {
  /// A key with one value; `parse` returns `nil` when the node does not fit.
  static func value<Value>(
    _ key: String, _ path: WritableKeyPath<Section, Value>, expected: String, _ summary: String,
    affectsResults: Bool = true, form: ConfigurationForm,
    parse: @escaping (ConfigurationNode) -> Value?,
    write: @escaping (Value) -> ConfigurationValue?
  ) -> ConfigurationField {
    ConfigurationField(
      key: key, expectation: expected, summary: summary, affectsResults: affectsResults,
      read: { node, dotted, section, problems in
        if let value = parse(node) {
          section[keyPath: path] = value
        } else {
          problems.add(node, dotted, expected: expected)
        }
      },
      write: { write($0[keyPath: path]) },
      rows: { dotted, section in
        [
          ConfigurationRow(
            key: dotted, value: write(section[keyPath: path])?.flow ?? "null", expectation: expected,
            summary: summary, affectsResults: affectsResults, form: form)
        ]
      })
  }

  static func integer(
    _ key: String, _ path: WritableKeyPath<Section, Int>, from lowest: Int = 0,
    to highest: Int = 1_000_000_000,
    _ summary: String, affectsResults: Bool = true
  ) -> ConfigurationField {
    value(
      key, path, expected: "a whole number from \(lowest) to \(highest)", summary,
      affectsResults: affectsResults, form: .integer(lowest...highest),
      parse: { $0.integer.flatMap { (lowest...highest).contains($0) ? $0 : nil } },
      write: { .integer($0) })
  }

  static func number(
    _ key: String, _ path: WritableKeyPath<Section, Double>, _ bounds: NumberBounds, _ summary: String
  ) -> ConfigurationField {
    value(
      key, path, expected: bounds.words, summary, form: .number(bounds),
      parse: { $0.number.flatMap { bounds.contains($0) ? $0 : nil } }, write: { .number($0) })
  }

  static func optionalNumber(
    _ key: String, _ path: WritableKeyPath<Section, Double?>, _ bounds: NumberBounds, _ summary: String
  ) -> ConfigurationField {
    value(
      key, path, expected: "\(bounds.words), or null", summary, form: .either([.number(bounds), .null]),
      parse: { node in
        node.isNull ? .some(nil) : node.number.flatMap { bounds.contains($0) ? .some($0) : nil }
      }, write: { $0.map { .number($0) } ?? .scalar("null") })
  }

  static func flag(
    _ key: String, _ path: WritableKeyPath<Section, Bool>, _ summary: String, affectsResults: Bool = true
  ) -> ConfigurationField {
    value(
      key, path, expected: "true or false", summary, affectsResults: affectsResults,
      form: .flag, parse: \.truth, write: { .flag($0) })
  }

  static func choice<Choice: RawRepresentable<String> & CaseIterable>(
    _ key: String, _ path: WritableKeyPath<Section, Choice>, _ summary: String, affectsResults: Bool = true
  ) -> ConfigurationField {
    value(
      key, path, expected: "one of \(Choice.allCases.map(\.rawValue).joined(separator: ", "))", summary,
      affectsResults: affectsResults, form: .names(Choice.allCases.map(\.rawValue)),
      parse: { $0.text.flatMap(Choice.init(rawValue:)) },
      write: { .text($0.rawValue) })
  }

  static func optionalChoice<Choice: RawRepresentable<String> & CaseIterable>(
    _ key: String, _ path: WritableKeyPath<Section, Choice?>, _ summary: String
  ) -> ConfigurationField {
    value(
      key, path, expected: "one of \(Choice.allCases.map(\.rawValue).joined(separator: ", ")), or null",
      summary, form: .either([.names(Choice.allCases.map(\.rawValue)), .null]),
      parse: { node in
        node.isNull ? .some(nil) : node.text.flatMap(Choice.init(rawValue:)).map { .some($0) }
      }, write: { .scalar($0?.rawValue ?? "null") })
  }

  static func name(
    _ key: String, _ path: WritableKeyPath<Section, String>, oneOf names: [String], _ summary: String
  ) -> ConfigurationField {
    value(
      key, path, expected: "one of \(names.joined(separator: ", "))", summary, form: .names(names),
      parse: { $0.text.flatMap { names.contains($0) ? $0 : nil } }, write: { .text($0) })
  }

  static func names(
    _ key: String, _ path: WritableKeyPath<Section, [String]>, from known: [String], _ summary: String
  ) -> ConfigurationField {
    value(
      key, path, expected: "a list, each once, from \(known.joined(separator: ", "))", summary,
      form: .list(.names(known)),
      parse: { node in
        guard let names = node.list?.map(\.text), !names.isEmpty, Set(names).count == names.count,
          names.allSatisfy({ $0.map(known.contains) ?? false })
        else { return nil }
        return known.filter(names.contains)
      },
      write: { .list($0.map { .text($0) }) })
  }

  /// One name, or a list of names in the order given.
  static func nameOrNames(
    _ key: String, _ path: WritableKeyPath<Section, [String]>, from known: [String], _ summary: String
  ) -> ConfigurationField {
    value(
      key, path, expected: "one of \(known.joined(separator: ", ")), or a list of them, each once", summary,
      form: .either([.names(known), .list(.names(known))]),
      parse: { node in
        let names = node.list?.map(\.text) ?? [node.text]
        guard !names.isEmpty, Set(names).count == names.count,
          names.allSatisfy({ $0.map(known.contains) ?? false })
        else { return nil }
        return names.compactMap { $0 }
      },
      write: { $0.count == 1 ? .text($0[0]) : .list($0.map { .text($0) }) })
  }

  /// Numbers that are not negative and not all 0, or `null` for none.
  static func weightList(
    _ key: String, _ path: WritableKeyPath<Section, [Double]>, _ summary: String
  ) -> ConfigurationField {
    value(
      key, path, expected: "a list of weights, 0 or more and not all 0, or null", summary,
      form: .either([.list(.number(.notNegative)), .null]),
      parse: { node in
        if node.isNull { return [] }
        guard let list = node.list?.map(\.number), list.contains(where: { $0 ?? 0 > 0 }),
          list.allSatisfy({ $0.map { $0 >= 0 } ?? false })
        else { return nil }
        return list.compactMap { $0 }
      },
      write: { $0.isEmpty ? .scalar("null") : .list($0.map { .number($0) }) })
  }

  static func text(
    _ key: String, _ path: WritableKeyPath<Section, String>, expected: String, _ summary: String,
    affectsResults: Bool = true, where isValid: @escaping (String) -> Bool = { !$0.isEmpty }
  ) -> ConfigurationField {
    value(
      key, path, expected: expected, summary, affectsResults: affectsResults, form: .text,
      parse: { $0.text.flatMap { isValid($0) ? $0 : nil } }, write: { .text($0) })
  }

  static func optionalPath(
    _ key: String, _ path: WritableKeyPath<Section, String?>, _ summary: String
  ) -> ConfigurationField {
    value(
      key, path, expected: "a path", summary, form: .either([.text, .null]),
      parse: { $0.isNull ? .some(nil) : $0.text.flatMap { $0.isEmpty ? nil : .some($0) } },
      write: { $0.map { .text($0) } })
  }

  static func integers(
    _ key: String, _ path: WritableKeyPath<Section, [Int]>, from allowed: [Int], _ summary: String
  ) -> ConfigurationField {
    value(
      key, path, expected: "a list, each once, from \(allowed.words)", summary,
      form: .list(.integers(allowed)),
      parse: { node in
        guard let numbers = node.list?.map(\.integer), !numbers.isEmpty, Set(numbers).count == numbers.count
        else { return nil }
        let known = allowed.filter { numbers.contains($0) }
        return known.count == numbers.count ? known : nil
      },
      write: { .list($0.map { .integer($0) }) })
  }

  /// A nested section.
  static func section<Inner: ConfigurationSection>(
    _ key: String, _ path: WritableKeyPath<Section, Inner>,
    isWritten: @escaping (Section) -> Bool = { _ in true }
  ) -> ConfigurationField {
    ConfigurationField(
      key: key, expectation: "a mapping of keys", summary: "", affectsResults: true,
      read: { node, dotted, section, problems in
        section[keyPath: path].read(node, key: dotted, problems: &problems)
      },
      write: { isWritten($0) ? $0[keyPath: path].written() : nil },
      rows: { dotted, section in isWritten(section) ? section[keyPath: path].rows(dotted) : [] })
  }
}
