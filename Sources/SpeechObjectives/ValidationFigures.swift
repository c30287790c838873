/// What a validation found besides the loss.
public struct ValidationFigures {
    /// Figures by name, the same names every time.
    public var metrics: [(name: String, value: Double)]
    /// The metric that the best checkpoint is chosen by; nil for the loss.
    public var selection: String?
    /// Whether the best checkpoint has the highest value of it, not the lowest.
    public var prefersHigher: Bool
    /// What is to be said about it.
    public var notes: [String]

    /// Joins the values.
    public init(
        metrics: [(name: String, value: Double)] = [], selection: String? = nil,
        prefersHigher: Bool = false, notes: [String] = []
    ) {
        self.metrics = metrics
        self.selection = selection
        self.prefersHigher = prefersHigher
        self.notes = notes
    }

    /// The value of the metric that the best checkpoint is chosen by, lower being better: where higher
    /// values are, it is negated.
    public var selected: Double? {
        guard let name = selection, let value = metrics.first(where: { $0.name == name })?.value
        else { return nil }
        return prefersHigher ? -value : value
    }
}
