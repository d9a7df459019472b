// Shared by the C files only.
// Compiles a function three times (AVX-512, AVX2+FMA, baseline) and picks one when the program starts.
#pragma once
#if defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
// The function that picks a variant would run before the sanitizer is ready.
#define TK_TARGETS
#endif
#endif
#if !defined(TK_TARGETS) && defined(__x86_64__) && defined(__ELF__) && defined(__has_attribute)
#if __has_attribute(target_clones)
#define TK_TARGETS __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#endif
#endif
#ifndef TK_TARGETS
#define TK_TARGETS
#endif
// First statement of a reduction: lets the compiler reorder the sum so that it vectorises.
#define TK_REASSOCIATE _Pragma("clang fp reassociate(on)")
// Before a loop with long chains of arithmetic: two vectors at a time hide their latency.
#define TK_INTERLEAVE _Pragma("clang loop interleave_count(2)")
