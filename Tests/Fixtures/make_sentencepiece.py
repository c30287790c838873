"""Makes Tests/Fixtures/sentencepiece: small models of SentencePiece and what they make of texts.

    .oracle/bin/python Tests/Fixtures/make_sentencepiece.py [folder]

Every model has a table of rules of its own instead of NFKC's, which alone has 200 kB.
"""

import io
import json
import pathlib
import random
import sys

import sentencepiece
from sentencepiece import sentencepiece_model_pb2

SENTENCES = """
The quick brown fox jumps over the lazy dog near the river bank.
She sells sea shells by the sea shore, and the shells she sells are sea shells.
In 1984 there were 365 days; in 2024 there are 366 days!
Der schnelle braune Fuchs springt über den faulen Hund am Flußufer.
Wo ein Wille ist, da ist auch ein Weg, sagte die Müllerin.
El rápido zorro marrón salta sobre el perro perezoso. ¿Qué pasó mañana?
Le renard brun rapide saute par-dessus le chien paresseux à côté du fleuve.
Быстрая коричневая лиса прыгает через ленивую собаку у реки.
Не всё то золото, что блестит, говорила старая ведьма.
नमस्ते दुनिया, यह एक छोटा सा वाक्य है और यह हिन्दी में है।
यह किताब बहुत अच्छी है, मैंने इसे कल पढ़ा था।
สวัสดีครับ วันนี้อากาศดีมาก เราไปเดินเล่นกันเถอะ
你好，世界。今天天气很好，我们去公园散步吧。
今日はとても良い天気ですね。公園へ散歩に行きましょう。
مرحبا بالعالم، هذا يوم جميل والسماء صافية.
안녕하세요 세계, 오늘은 날씨가 아주 좋습니다.
""".strip().split("\n")

TEXTS = [
    "", " ", "hello world", "  The  quick   brown fox ", "über Flußufer", "Müllerin", "ｔｈｅ　ｓｅａ",
    "e\u0301cole \u00e9cole", "привет, мир!", "नमस्ते हिन्दी", "สวัสดีครับ", "你好今日は", "مرحبا", "안녕하세요",
    "😀😀 smile 🙂", "unknown ĦǤ letters", "a<b> [eng] <s> </s> <unk> <pad>", "SEA<seg>shell<seg> sea",
    "▁", "▁▁a▁", "12345 365", "tab\tand\nline", "\u200b\ufeffx", "the the the the the", "x" * 40,
    "sea shore​sea", "Ǆ ﬁ ½", "[eng]hello",
]

RULES = [("Ａ", "A"), ("　", " "), ("ﬁ", "fi"), ("e\u0301", "\u00e9"), ("½", "1/2"), ("​", ""),
         ("\t", " "), ("\n", " "), ("ｔ", "t"), ("ｈ", "h"), ("ｅ", "e"), ("ｔｈｅ", "THE"), ("ß", "ss")]

MODELS = {
    "unigram": dict(model_type="unigram", vocab_size=320, rules=True,
                    user_defined_symbols=["<seg>", "shell"], control_symbols=["[eng]", "[deu]"]),
    "bpe": dict(model_type="bpe", vocab_size=560, rules=True, byte_fallback=True, split_digits=True,
                user_defined_symbols=["<seg>"], pad_id=3),
    "unigram_plain": dict(model_type="unigram", vocab_size=520, normalization_rule_name="identity",
                          add_dummy_prefix=False, remove_extra_whitespaces=False,
                          unk_surface="�", byte_fallback=True, character_coverage=0.98),
    "bpe_suffix": dict(model_type="bpe", vocab_size=400, normalization_rule_name="identity",
                       treat_whitespace_as_suffix=True, character_coverage=0.98),
    "bpe_restricted": dict(model_type="bpe", vocab_size=420, normalization_rule_name="identity", restricted=True),
    "unigram_restricted": dict(model_type="unigram", vocab_size=360, normalization_rule_name="identity",
                               restricted=True),
    "labels_unigram": dict(model_type="unigram", vocab_size=320, normalization_rule_name="identity", pad_id=0,
                           unk_id=1, bos_id=2, eos_id=3, control_symbols=["[deu]", "[eng]"], character_coverage=0.99),
    "labels_bpe": dict(model_type="bpe", vocab_size=600, normalization_rule_name="identity", pad_id=0, unk_id=1,
                       bos_id=2, eos_id=3, byte_fallback=True),
    "characters": dict(model_type="char", vocab_size=200, normalization_rule_name="identity",
                       hard_vocab_limit=False),
}


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    rules = folder / "rules.tsv"
    rules.write_text("".join(
        " ".join(f"{ord(c):X}" for c in a) + "\t" + " ".join(f"{ord(c):X}" for c in b) + "\n" for a, b in RULES))
    expected = {}
    for name, settings in MODELS.items():
        chance = random.Random(len(name))
        settings = dict(settings)
        restricted = settings.pop("restricted", False)
        if settings.pop("rules", False):
            settings["normalization_rule_tsv"] = str(rules)
        model = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(SENTENCES * 3), model_writer=model, num_threads=1, minloglevel=2,
            **({"hard_vocab_limit": settings["model_type"] == "bpe"} | settings))
        # The path of the rules is no part of what is to be the same everywhere.
        proto = sentencepiece_model_pb2.ModelProto()
        proto.ParseFromString(model.getvalue())
        proto.normalizer_spec.ClearField("normalization_rule_tsv")
        if restricted:
            # Every third piece of several characters may not be used.
            for index, piece in enumerate(proto.pieces):
                if piece.type == piece.NORMAL and len(piece.piece) > 1 and index % 3 == 0:
                    piece.type = piece.UNUSED
        bytes_ = proto.SerializeToString(deterministic=True)
        own = sentencepiece.SentencePieceProcessor(model_proto=bytes_)
        (folder / f"{name}.model").write_bytes(bytes_)
        alphabet = sorted(set("".join(SENTENCES)))
        texts = TEXTS + ["".join(chance.choices(alphabet, k=chance.randint(1, 25))) for _ in range(20)]
        paths = [[chance.randrange(own.get_piece_size()) for _ in range(chance.randint(1, 15))] for _ in range(20)]
        expected[name] = {
            "size": own.get_piece_size(), "unk": own.unk_id(),
            "texts": [{"text": t, "ids": own.encode(t), "pieces": own.encode(t, out_type=str),
                       "decoded": own.decode(own.encode(t))} for t in texts],
            "paths": [{"ids": p, "decoded": own.decode(p)} for p in paths]}
    rules.unlink()
    (folder / "expected.json").write_text(json.dumps(expected, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    default = pathlib.Path(__file__).parent / "sentencepiece"
    main(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else default)
