// The part of ONNX Runtime's C interface that this package calls, declared by the package itself
// because no wheel of ONNX Runtime ships the header. The library is opened at run time, so nothing
// here needs it at build time.
#ifndef COLLD_ONNX_RUNTIME_H
#define COLLD_ONNX_RUNTIME_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// The table of functions; an append-only list of function pointers whose members are declared as
// they come into use.
typedef struct OrtApi OrtApi;

// The entry point of the library, stable over all its versions.
typedef struct OrtApiBase {
    // The table for the version asked for, or NULL when the library is older than that.
    const OrtApi *(*GetApi)(uint32_t version);
    // The version of the library as text, for example "1.31.1".
    const char *(*GetVersionString)(void);
} OrtApiBase;

// The type of the one symbol that the library exports.
typedef const OrtApiBase *(*OrtGetApiBaseFunction)(void);

// The exported symbol's name.
extern const char *const COnnxRuntimeEntryPoint;

// The file that an address of an opened library comes from, or NULL; owned by the loader.
const char *COnnxRuntimeFileOf(const void *symbol);

// The version of the table that this package asks for: served by ONNX Runtime 1.17 and later.
enum { COnnxRuntimeApiVersion = 17 };

#ifdef __cplusplus
}
#endif

#endif
