import Foundation
import SpeechCore
import SpeechObjectives
import TestSupport
import Testing
import Torch

@Suite(.serialized) struct ContrastiveLossTests {
    /// Values and gradients of the reference in float64.
    @Test(
        arguments: [
            "contrastive_shared_distractors", "contrastive_per_layer_distractors",
            "contrastive_temperature_1",
        ])
    func equalsTheReference(_ name: String) throws {
        let file = try Fixtures.safetensors("losses/\(name).safetensors")
        let shape = try #require(file.entry("pred")).shape  // [L, B, T, D]
        let (layers, clips, frames, width) = (shape[0], shape[1], shape[2], shape[3])
        let mask = try file.integers("mask")
        let drawn = try file.integers("distractors")
        let draws = try #require(file.entry("distractors")).shape
        let count = draws.last!
        let temperature = try file.doubles("temperature")[0]
        let predictions = try file.doubles("pred")
        let targets = try file.doubles("target")

        // The predicted frames of each clip, and the place of each frame among them.
        let anchors = (0..<clips).map { clip in
            (0..<frames).filter { mask[clip * frames + $0] != 0 }
        }
        let most = anchors.map(\.count).max()!
        var gradient = [Double](repeating: 0, count: predictions.count)
        var total = 0.0
        var hits = 0.0
        for layer in 0..<layers {
            func rows(_ values: [Double]) -> [Double] {
                var rows: [Double] = []
                for clip in 0..<clips {
                    for slot in 0..<most {
                        let frame = slot < anchors[clip].count ? anchors[clip][slot] : 0
                        let start = ((layer * clips + clip) * frames + frame) * width
                        rows += values[start..<(start + width)]
                    }
                }
                return rows
            }
            let positions = (0..<clips).map { clip in
                anchors[clip].map { frame in
                    let table = draws.count == 4 ? layer * clips * frames : 0
                    let start = (table + clip * frames + frame) * count
                    return drawn[start..<(start + count)].map { anchors[clip].firstIndex(of: $0)! }
                }
            }
            let prediction = Tensor(rows(predictions), [clips, most, width])
            prediction.requiresGradient = true
            let target = ContrastiveLoss.unit(Tensor(rows(targets), [clips, most, width]))
            let result = ContrastiveLoss(temperature: temperature)(
                prediction, targets: target,
                Distractors(drawn: positions, dtype: .float64), withDiagnostics: true)
            result.sum.backward()
            total += result.sum.item()
            let mean = try file.doubles("loss.per_layer_mean")[layer]
            let values = try #require(result.diagnostics).values.doubles()
            expectClose([values[0]], [mean], within: 1e-9)
            hits += values[1] / Double(layers)
            let found = try #require(prediction.gradient).doubles()
            for clip in 0..<clips {
                for (slot, frame) in anchors[clip].enumerated() {
                    let from = (clip * most + slot) * width
                    let to = ((layer * clips + clip) * frames + frame) * width
                    for d in 0..<width { gradient[to + d] = found[from + d] }
                }
            }
        }
        expectClose([total], try file.doubles("loss.sum"), within: 1e-9 * abs(total))
        expectClose(gradient, try file.doubles("grad.sum"), within: 1e-9, "gradient")
        expectClose([hits], try file.doubles("accuracy").suffix(1), within: 1e-9, "accuracy")
    }

    /// Values that can be checked by hand: three frames, two channels.
    @Test func equalsTheHandChecked() {
        let predictions = Tensor([1.0, 0, 0, 1, 1, 1], [1, 3, 2])
        let targets = ContrastiveLoss.unit(Tensor([1, 0.5, 0, 1, -1, 1], [1, 3, 2]))
        let loss = ContrastiveLoss(temperature: 0.1)
        let full = Distractors(drawn: [[[1, 2], [0, 2], [0, 1]]], dtype: .float64)
        expectClose(
            loss(predictions, targets: targets, full).perFrame.doubles(),
            [0.000131, 0.055840, 9.572437], within: 1e-6)
        let one = Distractors(drawn: [[[1], [2], [0]]], dtype: .float64)
        expectClose(
            loss(predictions, targets: targets, one).perFrame.doubles(),
            [0.000130, 0.052074, 9.486909], within: 1e-6)
    }
}
