package import Torch

extension EncoderOutput {
    /// States that were made elsewhere, by layer as in `hiddenStates` and `feedForward`.
    ///
    /// * `lengths`: valid frames of each clip.
    package init(
        hiddenStates: [Int: Tensor], feedForward: [Int: Tensor], lengths: [Int]
    ) {
        self.init(lengths: lengths, outputLengths: lengths)
        self.hiddenStates = hiddenStates
        self.feedForward = feedForward
    }
}
