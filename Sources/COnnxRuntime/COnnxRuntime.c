// For dladdr, which the C library of Linux declares only on request.
#define _GNU_SOURCE
#include "COnnxRuntime.h"

#include <dlfcn.h>
#include <stddef.h>

const char *const COnnxRuntimeEntryPoint = "OrtGetApiBase";

const char *COnnxRuntimeFileOf(const void *symbol) {
    Dl_info place;
    return dladdr(symbol, &place) != 0 ? place.dli_fname : NULL;
}
