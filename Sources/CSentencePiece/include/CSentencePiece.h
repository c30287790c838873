// The whole C surface over SentencePiece: training. Models are read by SpeechCore.
#ifndef CSENTENCEPIECE_H
#define CSENTENCEPIECE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__clang__)
#pragma clang assume_nonnull begin
#endif

#ifdef __cplusplus
extern "C" {
#endif

/// Bytes that the library made: a model, or the message of a failure.
typedef struct CSPBytes CSPBytes;

/// Gives the next text and true, or false behind the last one.
///
/// The bytes must stay until the next call.
typedef bool (*CSPNext)(
    void *context, const char *_Nullable *_Nonnull bytes, size_t *count);

/// Trains a model with flags as the program `spm_train` has them, without their dashes.
///
/// The result is the `.model` file when `failed` is false, else the library's message.
CSPBytes *csp_train(
    const char *_Nonnull const *_Nonnull names, const char *_Nonnull const *_Nonnull values,
    size_t count, CSPNext next, void *context, bool *failed);

/// The first byte.
const uint8_t *csp_bytes(const CSPBytes *bytes);
/// The number of bytes.
size_t csp_count(const CSPBytes *bytes);
void csp_free(CSPBytes *bytes);

#ifdef __cplusplus
}
#endif

#if defined(__clang__)
#pragma clang assume_nonnull end
#endif

#endif
