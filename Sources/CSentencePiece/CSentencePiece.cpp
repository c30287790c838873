// Training through the library; no exception leaves this file.
#include "CSentencePiece.h"

#include <sentencepiece_trainer.h>

#include <exception>
#include <string>
#include <unordered_map>

// SentencePiece and LibTorch both export a variable of this name, an object of 32 bytes and an int. The
// first one loaded serves both, and SentencePiece's constructor would write over what lies behind
// LibTorch's. That of the executable comes before either and has room for both; it only decides what
// they log.
extern "C" {
alignas(16) char FLAGS_minloglevel[64] = {};
}

struct CSPBytes {
    std::string value;
};

namespace {
/// Texts that a function gives.
class Texts : public sentencepiece::SentenceIterator {
public:
    Texts(CSPNext next, void *context) : next_(next), context_(context) { Next(); }

    bool done() const override { return done_; }

    void Next() override {
        const char *bytes = nullptr;
        size_t count = 0;
        done_ = !next_(context_, &bytes, &count);
        if (!done_) { text_.assign(bytes == nullptr ? "" : bytes, bytes == nullptr ? 0 : count); }
    }

    const std::string &value() const override { return text_; }

    sentencepiece::util::Status status() const override { return {}; }

private:
    CSPNext next_;
    void *context_;
    std::string text_;
    bool done_ = false;
};
}  // namespace

CSPBytes *csp_train(
    const char *const *names, const char *const *values, size_t count, CSPNext next, void *context,
    bool *failed) {
    auto result = new CSPBytes;
    *failed = true;
    try {
        std::unordered_map<std::string, std::string> flags;
        for (size_t index = 0; index < count; ++index) { flags[names[index]] = values[index]; }
        Texts texts(next, context);
        const auto status =
            sentencepiece::SentencePieceTrainer::Train(flags, &texts, &result->value);
        *failed = !status.ok();
        if (*failed) { result->value = status.ToString(); }
    } catch (const std::exception &error) {
        result->value = error.what();
    } catch (...) {
        result->value = "an unknown exception";
    }
    return result;
}

const uint8_t *csp_bytes(const CSPBytes *bytes) {
    return reinterpret_cast<const uint8_t *>(bytes->value.data());
}

size_t csp_count(const CSPBytes *bytes) { return bytes->value.size(); }

void csp_free(CSPBytes *bytes) { delete bytes; }
