internal import SpeechAudio
internal import SpeechCore

/// Checks one utterance by itself; may be called from several threads.
struct UtteranceCheck: Sendable {
    /// What is known of one line when its neighbours are not.
    struct Result: Sendable {
        /// What is wrong, in no order.
        var findings: [ValidationFinding] = []
        /// Of the audio that was read.
        var content: ContentHash?
        /// The file's length where the manifest takes its start for all of it.
        var longerFile: Double?
        /// The text's scripts where the language does not say which to expect.
        var scripts: [ScriptProfile.Part] = []
        /// Characters that the vocabulary lacks.
        var unknown: [Unicode.Scalar] = []
    }

    let settings: ValidationSettings
    let targets: TargetCheck

    /// Checks audio and texts.
    ///
    /// - Throws: What goes wrong beyond this utterance.
    func result(of utterance: Utterance) throws -> Result {
        var result = Result()
        checkDuration(utterance, &result)
        var duration = utterance.duration
        if settings.checksAudio, let measured = try checkAudio(utterance, &result) {
            duration = measured
        }
        try checkTexts(utterance, duration: duration, &result)
        return result
    }

    private func add(
        _ reason: ValidationReason, expected: String, found: String, to result: inout Result
    ) {
        guard !settings.ignored.contains(reason) else { return }
        result.findings.append(ValidationFinding(reason, expected: expected, found: found))
    }

    private func checkDuration(_ utterance: Utterance, _ result: inout Result) {
        let found = "\(plain(utterance.duration)) s"
        if utterance.duration < settings.minDuration {
            add(
                .tooShort, expected: "at least \(plain(settings.minDuration)) s", found: found,
                to: &result)
        }
        if let longest = settings.maxDuration, utterance.duration > longest {
            add(.tooLong, expected: "at most \(plain(longest)) s", found: found, to: &result)
        }
    }

    // MARK: Audio

    /// Reads and measures the audio; returns its length in seconds where it could be read.
    private func checkAudio(_ utterance: Utterance, _ result: inout Result) throws -> Double? {
        do {
            guard let recording = try recording(utterance, &result) else { return nil }
            let clip = ClipMeasurement(
                recording.samples, samplingRate: recording.samplingRate,
                silenceLevel: settings.silenceLevel)
            result.content = clip.contentHash
            if utterance.offset == 0,
                recording.fileDuration - utterance.duration > settings.durationTolerance
            {
                result.longerFile = recording.fileDuration
            }
            check(clip, &result)
            return clip.duration
        } catch let error as any ReportedError where error.exitStatus == .badInput {
            add(
                .unreadable, expected: "audio that can be read", found: error.description,
                to: &result)
            return nil
        }
    }

    /// The audio as loading would read it, or what there is of it.
    private func recording(
        _ utterance: Utterance, _ result: inout Result
    ) throws -> Recording? {
        func read(_ duration: Double?) throws -> Recording {
            try AudioReader.recording(
                utterance.audioPath, bytes: utterance.byteRange, offset: utterance.offset,
                duration: duration)
        }
        do {
            return try read(utterance.duration)
        } catch AudioError.segmentOutsideFile(_, _, _, let length) {
            let left = max(0, length - utterance.offset)
            let start = utterance.offset > 0 ? " from \(plain(utterance.offset)) s on" : ""
            add(
                .wrongDuration, expected: "\(plain(utterance.duration)) s\(start)",
                found: "\(plain(left)) s in a file of \(plain(length)) s", to: &result)
            return left > 0 ? try read(nil) : nil
        }
    }

    private func check(_ clip: ClipMeasurement, _ result: inout Result) {
        if clip.silentShare > settings.maxSilence {
            add(
                .silence,
                expected: "at most \(percent(settings.maxSilence)) below "
                    + "\(plain(settings.silenceLevel)) dBFS",
                found: "\(percent(clip.silentShare)), the loudest at "
                    + "\(plain(clip.speechLevel.rounded())) dBFS", to: &result)
        }
        if clip.clippedShare > settings.maxClipping {
            add(
                .clipping,
                expected: "at most \(percent(settings.maxClipping)) of samples at full scale",
                found: percent(clip.clippedShare), to: &result)
        }
    }

    private func percent(_ share: Double) -> String { plain(100 * share) + " %" }

    // MARK: Texts

    private func checkTexts(
        _ utterance: Utterance, duration: Double, _ result: inout Result
    ) throws {
        if let text = utterance.text {
            let profile = ScriptProfile(text)
            let expected = utterance.lang.flatMap(LanguageScripts.scripts(of:))
            if expected == nil, utterance.lang != nil { result.scripts = profile.parts }
            check(profile, of: text, scripts: expected, key: "text", &result)
            let (findings, unknown) = try targets.findings(
                in: text, lang: utterance.lang, duration: duration, ignoring: settings.ignored)
            result.findings += findings
            result.unknown = unknown
        } else if settings.requiresText {
            add(.emptyText, expected: "a text", found: "none", to: &result)
        }
        if let text = utterance.targetText {
            let expected = utterance.targetLang.flatMap(LanguageScripts.scripts(of:))
            check(
                ScriptProfile(text), of: text, scripts: expected, key: "target_text", &result)
        }
    }

    private func check(
        _ profile: ScriptProfile, of text: String, scripts: [UnicodeScript]?, key: String,
        _ result: inout Result
    ) {
        guard profile.hasContent else {
            let shown = text.prefix(20)
            add(
                .emptyText, expected: "letters or numbers in '\(key)'", found: "\"\(shown)\"",
                to: &result)
            return
        }
        if let scripts,
            let finding = foreign(profile.parts, expected: scripts, key: key)
        {
            result.findings.append(finding)
        }
        if let word = profile.mixedWord {
            add(
                .mixedScript, expected: "one alphabet a word in '\(key)'", found: "\"\(word)\"",
                to: &result)
        }
    }

    /// What is wrong where too much of a text is in other scripts than its language has.
    func foreign(
        _ parts: [ScriptProfile.Part], expected scripts: [UnicodeScript], key: String = "text"
    ) -> ValidationFinding? {
        guard !settings.ignored.contains(.foreignScript) else { return nil }
        let all = parts.reduce(0) { $0 + $1.count }
        let others = parts.filter { !scripts.contains($0.script) }
        let foreign = others.reduce(0) { $0 + $1.count }
        guard all > 0, Double(foreign) > settings.maxForeign * Double(all) else { return nil }
        return ValidationFinding(
            .foreignScript,
            expected: "'\(key)' in \(scripts.map(\.rawValue).joined(separator: ", "))",
            found: "\(foreign) of \(all) letters in "
                + others.map(\.script.rawValue).joined(separator: ", "))
    }
}
