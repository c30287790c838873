// Carries LibTorch's include folders and libraries (pkg-config name `colld-libtorch`) to CTorch.
//
// It declares nothing on purpose: LibTorch's headers are C++ and only CTorch includes them, so that
// no Swift target ever parses them.
#ifndef COLLD_LIBTORCH_H
#define COLLD_LIBTORCH_H
#endif
