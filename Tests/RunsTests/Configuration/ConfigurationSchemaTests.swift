import Foundation
import Runs
import Testing

/// The JSON Schema of the configuration says yes and no to what a run does, key by key.
@Suite struct ConfigurationSchemaTests {
  /// As much of JSON Schema as the schema uses; any other word of it fails the test.
  private static func accepts(_ schema: [String: Any], _ value: Any) -> Bool {
    func isBoolean(_ value: Any) -> Bool { (value as? NSNumber)?.isBoolean ?? false }
    func number(_ value: Any) -> Double? { isBoolean(value) ? nil : (value as? NSNumber)?.doubleValue }
    func isOf(_ type: String) -> Bool {
      switch type {
      case "object": value is [String: Any]
      case "array": value is [Any]
      case "string": value is String
      case "boolean": isBoolean(value)
      case "null": value is NSNull
      case "integer": number(value).map { $0 == $0.rounded() } ?? false
      case "number": number(value) != nil
      default: false
      }
    }
    func bound(_ limit: Any, _ holds: (Double, Double) -> Bool) -> Bool {
      number(value).map { holds($0, number(limit)!) } ?? true
    }
    return schema.allSatisfy { word, argument in
      switch word {
      case "$schema", "title", "description", "default": return true
      case "type": return ((argument as? [String]) ?? [argument as! String]).contains(where: isOf)
      case "enum": return (argument as! [NSObject]).contains { $0.isEqual(value) }
      case "minimum": return bound(argument, >=)
      case "maximum": return bound(argument, <=)
      case "exclusiveMinimum": return bound(argument, >)
      case "exclusiveMaximum": return bound(argument, <)
      case "anyOf": return (argument as! [[String: Any]]).contains { accepts($0, value) }
      case "items":
        return (value as? [Any])?.allSatisfy { accepts(argument as! [String: Any], $0) } ?? true
      case "minItems": return (value as? [Any]).map { $0.count >= (argument as! NSNumber).intValue } ?? true
      case "uniqueItems":
        guard argument as? Bool == true, let items = value as? [NSObject] else { return true }
        return Set(items).count == items.count
      case "properties":
        let known = argument as! [String: [String: Any]]
        return (value as? [String: Any])?.allSatisfy { key, inner in
          known[key].map { accepts($0, inner) } ?? true
        } ?? true
      case "additionalProperties":
        #expect(argument as? Bool == false)
        let known = schema["properties"] as! [String: Any]
        return (value as? [String: Any])?.keys.allSatisfy { known[$0] != nil } ?? true
      default:
        Issue.record("the test does not know \(word)")
        return false
      }
    }
  }

  private static func schema() throws -> [String: Any] {
    let data = Data(ConfigurationReference.jsonSchema.utf8)
    return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
  }

  /// JSON is YAML: the same text is read by both.
  @Test(arguments: [
    (true, #"{}"#), (true, #"{"train": null}"#), (true, #"{"run": {"seed": 7, "name": "a"}}"#),
    (
      true,
      #"{"train": {"loss_type": ["sigmoid", "hinge"], "loss_weights": [1, 1], "lora_target": ["q_proj"]}}"#
    ),
    (true, #"{"train": {"loss_type": "ipo", "lr_scheduler_kwargs": {"power": 2}, "attention_layer": null}}"#),
    (true, #"{"select": {"layer": "auto", "thresholds": {"sequence": {"2": 0.5}}, "template": null}}"#),
    (true, #"{"select": {"layer": 1}, "train": {"attention_layer": 0.5}}"#),
    (true, #"{"compose": {"sequence": {"total": 10, "counts": [2, 3]}, "grid": {"4": 7}}}"#),
    (true, #"{"evaluate": {"sequence_counts": [3, 2]}, "train": {"beta": 1e-3}}"#),
    (true, #"{"data": {"source": "llava", "path": "a.json"}}"#),
    (false, #"{"training": {}}"#), (false, #"{"train": {"betta": 1}}"#), (false, #"{"train": []}"#),
    (false, #"{"train": {"beta": 0}}"#), (false, #"{"train": {"beta": "0.1"}}"#),
    (false, #"{"train": {"label_smoothing": 0.5}}"#), (false, #"{"train": {"max_steps": 1.5}}"#),
    (false, #"{"train": {"max_steps": -1}}"#), (false, #"{"train": {"max_steps": true}}"#),
    (false, #"{"train": {"use_dora": 1}}"#), (false, #"{"train": {"loss_type": "kto"}}"#),
    (false, #"{"train": {"loss_type": ["ipo", "ipo"]}}"#), (false, #"{"train": {"loss_weights": []}}"#),
    (false, #"{"train": {"lora_target": []}}"#), (false, #"{"train": {"optim": null}}"#),
    (false, #"{"train": {"lr_scheduler_kwargs": {"cycles": 2}}}"#), (false, #"{"run": {"seed": -1}}"#),
    (false, #"{"compose": {"sequence": {"7": 1}}}"#), (false, #"{"compose": {"sequence": 5}}"#),
    (false, #"{"select": {"thresholds": {"grid": {"4": 2}}}}"#), (false, #"{"select": {"layer": "last"}}"#),
    (false, #"{"evaluate": {"sequence_counts": [2, 2]}}"#),
  ]) func schemaAndReadingAgree(isValid: Bool, json: String) throws {
    let value = try JSONSerialization.jsonObject(with: Data(json.utf8))
    #expect(Self.accepts(try Self.schema(), value) == isValid, "the schema: \(json)")
    let read = Result { try RunConfiguration(yaml: json, file: "c.json") }
    #expect(((try? read.get()) != nil) == isValid, "\(read)")
  }

  /// Every key is there, with words, and its default is a value that it accepts.
  @Test func everyKeyHasItsDefault() throws {
    var (keys, defaults) = (0, 0)
    func look(_ schema: [String: Any]) throws {
      guard schema["description"] == nil, let inner = schema["properties"] as? [String: [String: Any]] else {
        keys += 1
        #expect((schema["description"] as? String)?.contains(" Default: ") == true, "\(schema)")
        guard let value = schema["default"] else { return }
        defaults += 1
        #expect(Self.accepts(schema, value), "\(schema)")
        return
      }
      for (_, one) in inner { try look(one) }
    }
    try look(Self.schema())
    #expect(keys == RunConfiguration().recipeCount && defaults > keys * 3 / 4)
  }
}

extension NSNumber {
  /// Whether it came from `true` or `false`.
  fileprivate var isBoolean: Bool { String(cString: objCType) == "c" }
}

extension RunConfiguration {
  /// Keys of the reference page.
  fileprivate var recipeCount: Int {
    ConfigurationReference.markdown.split(separator: "\n").count { $0.hasPrefix("| `") }
  }
}
