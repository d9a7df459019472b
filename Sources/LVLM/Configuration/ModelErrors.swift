/// Several things that are wrong with one model, of different kinds or in different files.
public struct ModelErrors: Error, CustomStringConvertible {
  /// In the order in which they were found, at least two.
  public var errors: [any Error]

  /// All errors in one line.
  public var description: String { errors.map { "\($0)" }.joined(separator: "; ") }
}

/// Goes on after an error, so that one message can say everything that is wrong.
final class ErrorCollection {
  private var errors: [any Error] = []

  var isEmpty: Bool { errors.isEmpty }

  /// The one error there is, or ``ModelErrors`` with all.
  var error: any Error { errors.count == 1 ? errors[0] : ModelErrors(errors: errors) }

  /// The value of `body`, nil when it throws.
  func attempt<Value>(_ body: () throws -> Value) -> Value? {
    do {
      return try body()
    } catch let error as ModelErrors {
      error.errors.forEach(add)
    } catch {
      add(error)
    }
    return nil
  }

  /// Adds an error; what is wrong with one directory stays together.
  func add(_ error: any Error) {
    if let more = error as? ModelDirectoryError,
      let place = errors.firstIndex(where: { ($0 as? ModelDirectoryError)?.file == more.file }),
      var known = errors[place] as? ModelDirectoryError
    {
      known.missing += more.missing
      known.unexpected += more.unexpected
      known.wrongShapes += more.wrongShapes
      known.unusable += more.unusable
      errors[place] = known
    } else {
      errors.append(error)
    }
  }
}
