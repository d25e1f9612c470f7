// A function that its callers know nothing of: neither inlined nor looked into.
#pragma once

#if defined(__clang__)
#define WEFT_OPAQUE [[gnu::noinline, clang::optnone]]
#else
#define WEFT_OPAQUE [[gnu::noipa]]
#endif
