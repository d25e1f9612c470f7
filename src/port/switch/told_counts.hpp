// Included before everything else in a library for users of ThreadSanitizer: std::shared_ptr tells
// who let go of a reference before whom. The macros are libstdc++'s own, made for such tools.
#pragma once

namespace weft::detail {

void let_go_of_count(const volatile void* count) noexcept;
void was_last_of_count(const volatile void* count) noexcept;

}  // namespace weft::detail

#define _GLIBCXX_SYNCHRONIZATION_HAPPENS_BEFORE(count) ::weft::detail::let_go_of_count(count)
#define _GLIBCXX_SYNCHRONIZATION_HAPPENS_AFTER(count) ::weft::detail::was_last_of_count(count)
