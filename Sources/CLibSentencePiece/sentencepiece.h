// Carries SentencePiece's include folders and libraries (pkg-config name `sentencepiece`) to
// CSentencePiece.
//
// It declares nothing on purpose: the library's headers are C++ and only CSentencePiece includes them.
#ifndef COLLD_SENTENCEPIECE_H
#define COLLD_SENTENCEPIECE_H
#endif
