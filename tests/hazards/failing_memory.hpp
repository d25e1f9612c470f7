// operator new of this executable, which refuses the n-th request: of the
// calling thread, or of the whole process, the runtime's own threads included.
#pragma once

namespace hazards {

enum class whose { this_thread, everybody };

/// From now on the n-th allocation fails; 0: none does.
void fail_allocation(int n, whose scope) noexcept;
/// Returns: whether it has failed since.
bool has_failed() noexcept;
/// Blocks that were allocated and not given back.
long blocks_alive() noexcept;

} // namespace hazards
