/// Decodes frames as they come and says at any time what is recognised so far.
///
/// However the frames are cut into parts, the final result is that of the decoder on all of them.
public final class StreamingDecoder {
    /// What is recognised so far.
    public struct Partial: Sendable, Equatable, Codable {
        /// The best text so far; its last word may be incomplete.
        ///
        /// Scores lack the end of the text.
        public let recognition: Recognition
        /// How many words at its beginning stay as they are whatever comes; never falls.
        ///
        /// The times of the last of them may still move.
        public let stableWordCount: Int

        private enum CodingKeys: String, CodingKey {
            case recognition
            case stableWordCount = "stable_word_count"
        }

        /// The words that stay.
        public var stableWords: ArraySlice<Recognition.Word> {
            recognition.words.prefix(stableWordCount)
        }
    }

    private enum Search {
        case greedy(GreedyPath)
        case beam(CTCBeamSearch)
    }

    private var search: Search
    private let vocabulary: DecoderVocabulary
    /// Frames decoded so far.
    public private(set) var frameCount = 0

    /// Begins a clip with a beam search.
    public init(_ decoder: CTCBeamDecoder) {
        search = .beam(CTCBeamSearch(decoder))
        vocabulary = decoder.vocabulary
    }

    /// Begins a clip with greedy decoding.
    public init(_ decoder: CTCGreedyDecoder) {
        search = .greedy(GreedyPath(decoder))
        vocabulary = decoder.vocabulary
    }

    /// Goes on with log-probabilities [T, V] of any number of frames, row by row.
    public func append(_ logProbabilities: [Float]) {
        frameCount += logProbabilities.count / vocabulary.size
        switch search {
        case .greedy(var path):
            // Alone in its place, so that its arrays are not copied.
            search = .greedy(GreedyPath(CTCGreedyDecoder(vocabulary)))
            path.append(logProbabilities)
            search = .greedy(path)
        case .beam(let search):
            search.append(logProbabilities)
        }
    }

    /// What is recognised so far.
    public var partial: Partial {
        switch search {
        case .greedy(let path):
            Partial(recognition: path.recognition, stableWordCount: path.stableWordCount)
        case .beam(let search):
            Partial(recognition: search.partial, stableWordCount: search.stableWordCount)
        }
    }

    /// The best texts of all frames, the best first; greedy decoding has one.
    public func finish() -> [Recognition] {
        switch search {
        case .greedy(let path): [path.recognition]
        case .beam(let search): search.finish()
        }
    }
}
