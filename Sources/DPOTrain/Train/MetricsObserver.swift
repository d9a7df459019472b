/// Is told what a training loop logs, as it is logged.
public protocol MetricsObserver: AnyObject {
  /// The log is open, and holds the rows that this attempt goes on from; later ones are gone.
  func opened(_ log: MetricsLog) throws

  /// A row was appended to the log.
  func logged(_ row: MetricRow) throws
}
