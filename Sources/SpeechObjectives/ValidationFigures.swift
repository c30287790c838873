/// What a validation found besides the loss.
public struct ValidationFigures {
    /// Figures by name, the same names every time.
    public var metrics: [(name: String, value: Double)]
    /// The metric that the best checkpoint is chosen by, lower being better; nil for the loss.
    public var selection: String?
    /// What is to be said about it.
    public var notes: [String]

    /// Joins the values.
    public init(
        metrics: [(name: String, value: Double)] = [], selection: String? = nil,
        notes: [String] = []
    ) {
        self.metrics = metrics
        self.selection = selection
        self.notes = notes
    }

    /// The value of the metric that the best checkpoint is chosen by.
    public var selected: Double? {
        selection.flatMap { name in metrics.first { $0.name == name }?.value }
    }
}
