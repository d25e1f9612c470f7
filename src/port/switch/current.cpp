// Where the thread-local word lives.
#include "port/switch/current.hpp"

extern "C" {
__attribute__((tls_model("initial-exec"), visibility("hidden"), used)) thread_local constinit void*
    weft_current_worker = nullptr;
}

#if defined(__clang__)
#define WEFT_OPAQUE __attribute__((noinline, optnone))
#else
#define WEFT_OPAQUE __attribute__((noipa))
#endif

namespace weft::detail {

#if !defined(__x86_64__)
WEFT_OPAQUE void* current_worker_word() noexcept { return weft_current_worker; }
#endif

WEFT_OPAQUE void set_current_worker_word(void* word) noexcept { weft_current_worker = word; }

}  // namespace weft::detail
