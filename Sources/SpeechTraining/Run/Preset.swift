/// A run file that is part of the command: a method, a teacher with its student, or a way to train
/// without a teacher or to fine-tune.
public struct Preset: Sendable {
    /// What a preset settles.
    public enum Kind: String, Codable, Sendable, CaseIterable {
        /// The objective of a distillation and how it is optimised.
        case method
        /// The student for a public teacher, and the batches that suit both.
        case teacher
        /// A run of `pretrain`.
        case pretraining
        /// A run of `finetune --task ctc`.
        case recognition
        /// A run of `finetune --task translation`.
        case translation
    }

    /// What run files and `--config` call it.
    public let name: String
    /// What it settles.
    public let kind: Kind
    /// The YAML file with its comments.
    public let text: String

    private init(_ name: String, _ kind: Kind, _ bytes: [UInt8]) {
        self.name = name
        self.kind = kind
        text = String(decoding: bytes, as: UTF8.self)
    }

    /// What it is for: the first comment of the file, in one line.
    public var summary: String {
        let comment = text.split(separator: "\n", omittingEmptySubsequences: false)
            .prefix { $0.hasPrefix("# ") }
        return comment.map { $0.dropFirst(2) }.joined(separator: " ")
    }

    /// The preset with a name, nil if there is none.
    public static func named(_ name: String) -> Preset? { all.first { $0.name == name } }

    /// The preset with a name.
    ///
    /// - Throws: `ConfigError.unknownPreset`.
    public static func find(_ name: String) throws -> Preset {
        guard let preset = named(name) else {
            throw ConfigError.unknownPreset(file: nil, key: nil, name: name)
        }
        return preset
    }

    /// All presets, in the order in which they are listed; the files are in `Presets`.
    public static let all: [Preset] = [
        Preset("colld", .method, PackageResources.colld_yaml),
        Preset("colld-unmasked", .method, PackageResources.colld_unmasked_yaml),
        Preset("distilhubert", .method, PackageResources.distilhubert_yaml),
        Preset("deep-vs-wide-3", .method, PackageResources.deep_vs_wide_3_yaml),
        Preset("deep-vs-wide-12-half", .method, PackageResources.deep_vs_wide_12_half_yaml),
        Preset("fithubert", .method, PackageResources.fithubert_yaml),
        Preset("l2l-mse", .method, PackageResources.l2l_mse_yaml),
        Preset("l2l-mse-masked", .method, PackageResources.l2l_mse_masked_yaml),
        Preset("l2l-l1-cosine", .method, PackageResources.l2l_l1_cosine_yaml),
        Preset("l2l-l1-cosine-masked", .method, PackageResources.l2l_l1_cosine_masked_yaml),
        Preset("usad", .method, PackageResources.usad_yaml),
        Preset("data2vec", .method, PackageResources.data2vec_yaml),
        Preset("maskhubert", .method, PackageResources.maskhubert_yaml),
        Preset("armhubert", .method, PackageResources.armhubert_yaml),
        Preset("star", .method, PackageResources.star_yaml),
        Preset("distilxlsr", .method, PackageResources.distilxlsr_yaml),
        Preset("lighthubert-stage1", .method, PackageResources.lighthubert_stage1_yaml),
        Preset("lighthubert", .method, PackageResources.lighthubert_yaml),
        Preset("dphubert", .method, PackageResources.dphubert_yaml),
        Preset("dphubert-stage2", .method, PackageResources.dphubert_stage2_yaml),
        Preset("dp-w2v-bert", .method, PackageResources.dp_w2v_bert_yaml),
        Preset("dp-w2v-bert-stage2", .method, PackageResources.dp_w2v_bert_stage2_yaml),
        Preset("w2v-bert-2.0-24x384", .teacher, PackageResources.w2v_bert_2_0_24x384_yaml),
        Preset("w2v-bert-2.0-12x512", .teacher, PackageResources.w2v_bert_2_0_12x512_yaml),
        Preset("w2v-bert-2.0-12x384", .teacher, PackageResources.w2v_bert_2_0_12x384_yaml),
        Preset("w2v-bert-2.0-12x1024", .teacher, PackageResources.w2v_bert_2_0_12x1024_yaml),
        Preset("xls-r-300m", .teacher, PackageResources.xls_r_300m_yaml),
        Preset("mms-300m", .teacher, PackageResources.mms_300m_yaml),
        Preset("hubert-base", .teacher, PackageResources.hubert_base_yaml),
        Preset("wavlm-base-plus", .teacher, PackageResources.wavlm_base_plus_yaml),
        Preset("wav2vec2-base", .pretraining, PackageResources.wav2vec2_base_yaml),
        Preset("w2v-bert", .pretraining, PackageResources.w2v_bert_yaml),
        Preset("random-projection", .pretraining, PackageResources.random_projection_yaml),
        Preset(
            "w2v-bert-2.0-continued", .pretraining, PackageResources.w2v_bert_2_0_continued_yaml),
        Preset("ctc", .recognition, PackageResources.ctc_yaml),
        Preset("ctc-small-student", .recognition, PackageResources.ctc_small_student_yaml),
        Preset("ctc-from-scratch", .recognition, PackageResources.ctc_from_scratch_yaml),
        Preset("ml-superb-10min", .recognition, PackageResources.ml_superb_10min_yaml),
        Preset("ml-superb-1h", .recognition, PackageResources.ml_superb_1h_yaml),
        Preset("superb-asr", .recognition, PackageResources.superb_asr_yaml),
        Preset("translation", .translation, PackageResources.translation_yaml),
        Preset("translation-small", .translation, PackageResources.translation_small_yaml),
    ]
}
