// See uring.hpp.
#include "port/file/uring.hpp"

#include <fcntl.h>
#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string_view>

#include <weft/detail/atomic.hpp>

#include "port/fork.hpp"

namespace weft::detail {

constinit hint<bool> uring_in_use{false};

namespace {

constexpr unsigned submissions_max = 64;
constexpr unsigned under_way_max = 1024;

// Safety: the kernel writes to these words; they are in a mapping of its own.
unsigned load_acquire(const unsigned* word) noexcept {
  return __atomic_load_n(word, __ATOMIC_ACQUIRE);  // Order: ring.
}
void store_release(unsigned* word, unsigned value) noexcept {
  __atomic_store_n(word, value, __ATOMIC_RELEASE);  // Order: ring.
}

/// What both queues are made of.
struct ring_queue {
  unsigned* head = nullptr;
  unsigned* tail = nullptr;
  unsigned mask = 0;

  template <class Offsets>
  void place(char* base, const Offsets& offsets) noexcept {
    head = word(base, offsets.head);
    tail = word(base, offsets.tail);
    mask = *word(base, offsets.ring_mask);
  }
  static unsigned* word(char* base, unsigned offset) noexcept {
    // Safety: the kernel aligns them.
    return reinterpret_cast<unsigned*>(base + offset);
  }
};

class uring {
 public:
  uring() noexcept {
    const char* const wish = std::getenv("WEFT_IO_URING");
    if (wish && std::string_view(wish) == "0") return;
    io_uring_params parameters{};
    parameters.flags = IORING_SETUP_CQSIZE;
    parameters.cq_entries = under_way_max;
    const long made = ::syscall(SYS_io_uring_setup, submissions_max, &parameters);
    if (made < 0) return;
    const int fd = static_cast<int>(made);
    if (has_all_that_is_needed(fd, parameters) && map(fd, parameters))
      fd_ = fd;
    else
      ::close(fd);
  }

  int fd() const noexcept { return fd_; }

  bool submit(const file_operation& operation, void* tag) noexcept {
    if (fd_ < 0 || in_forked_child.read()) return false;
    // Order: by-kernel. What the tag points to is written.
    if (under_way_.fetch_add(1, release) >= under_way_max || !enter(operation, tag)) {
      under_way_.fetch_sub(1, relaxed);  // Order: none. Nothing was handed over.
      return false;
    }
    return true;
  }

  bool collect(uring_completion& done) noexcept {
    if (fd_ < 0) return false;
    const unsigned head = *completed_.head;
    if (head == load_acquire(completed_.tail)) return false;
    const io_uring_cqe& entry = completions_[head & completed_.mask];
    // Safety: it was a pointer when it was submitted.
    done = {reinterpret_cast<void*>(static_cast<std::uintptr_t>(entry.user_data)), entry.res};
    store_release(completed_.head, head + 1);
    under_way_.fetch_sub(1, acquire);  // Order: by-kernel.
    return true;
  }

 private:
  static bool has_all_that_is_needed(int fd, const io_uring_params& parameters) noexcept {
    constexpr unsigned features = IORING_FEAT_SINGLE_MMAP | IORING_FEAT_NODROP |
                                  IORING_FEAT_SUBMIT_STABLE | IORING_FEAT_RW_CUR_POS;
    if ((parameters.features & features) != features) return false;
    constexpr unsigned count = IORING_OP_WRITE + 1;
    alignas(io_uring_probe)
        std::array<char, sizeof(io_uring_probe) + count * sizeof(io_uring_probe_op)>
            room{};
    auto* const probe = reinterpret_cast<io_uring_probe*>(room.data());
    if (::syscall(SYS_io_uring_register, fd, IORING_REGISTER_PROBE, probe, count) < 0) return false;
    const std::array needed{IORING_OP_READV,  IORING_OP_WRITEV, IORING_OP_FSYNC,
                            IORING_OP_OPENAT, IORING_OP_READ,   IORING_OP_WRITE};
    return std::all_of(needed.begin(), needed.end(), [&](unsigned operation) {
      return operation <= probe->last_op &&
             (probe->ops[operation].flags & IO_URING_OP_SUPPORTED) != 0;
    });
  }

  bool map(int fd, const io_uring_params& p) noexcept {
    const std::size_t submitted_bytes = p.sq_off.array + p.sq_entries * sizeof(unsigned);
    const std::size_t completed_bytes = p.cq_off.cqes + p.cq_entries * sizeof(io_uring_cqe);
    const auto mapped = [fd](std::size_t bytes, off_t what) {
      void* const at =
          ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, what);
      return at == MAP_FAILED ? nullptr : static_cast<char*>(at);
    };
    char* const rings = mapped(std::max(submitted_bytes, completed_bytes), IORING_OFF_SQ_RING);
    char* const entries = mapped(p.sq_entries * sizeof(io_uring_sqe), IORING_OFF_SQES);
    if (!rings || !entries) return false;  // what is mapped goes with the process
    submitted_.place(rings, p.sq_off);
    completed_.place(rings, p.cq_off);
    order_ = ring_queue::word(rings, p.sq_off.array);
    submissions_ = reinterpret_cast<io_uring_sqe*>(entries);
    completions_ = reinterpret_cast<const io_uring_cqe*>(rings + p.cq_off.cqes);
    return true;
  }

  /// One at a time, and each is handed over before the next one is written: the queue is empty.
  bool enter(const file_operation& operation, void* tag) noexcept {
    std::lock_guard guard(submitting_);
    uring_in_use.write(true);
    const unsigned tail = *submitted_.tail;
    const unsigned place = tail & submitted_.mask;
    std::array<iovec, raw_buffers::count_max> room;
    describe(operation, room, submissions_[place]);
    submissions_[place].user_data =
        static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(tag));
    order_[place] = place;
    store_release(submitted_.tail, tail + 1);
    for (;;) {
      const long taken = ::syscall(SYS_io_uring_enter, fd_, 1U, 0U, 0U, nullptr, std::size_t{0});
      if (taken == 1) return true;
      if (taken < 0 && errno == EINTR) continue;
      // EAGAIN, EBUSY: the kernel is out of memory. It has not seen it: take it back.
      store_release(submitted_.tail, tail);
      return false;
    }
  }

  /// The kernel has its own copy of the iovecs once they are submitted.
  static void describe(const file_operation& o, std::array<iovec, raw_buffers::count_max>& room,
                       io_uring_sqe& entry) noexcept {
    std::memset(&entry, 0, sizeof entry);
    entry.fd = o.fd;
    switch (o.verb) {
      case file_verb::read:
      case file_verb::write: {
        std::size_t count = 0;
        for (const raw_buffer& b : o.buffers) room[count++] = {b.data, b.size};
        entry.opcode = o.verb == file_verb::read ? IORING_OP_READV : IORING_OP_WRITEV;
        entry.addr = reinterpret_cast<std::uintptr_t>(room.data());
        entry.len = static_cast<unsigned>(count);
        entry.off = static_cast<std::uint64_t>(o.offset);  // -1: the file's own position
        break;
      }
      case file_verb::sync:
      case file_verb::sync_data:
        entry.opcode = IORING_OP_FSYNC;
        entry.fsync_flags = o.verb == file_verb::sync_data ? IORING_FSYNC_DATASYNC : 0;
        break;
      case file_verb::open:
        entry.opcode = IORING_OP_OPENAT;
        entry.fd = AT_FDCWD;
        entry.addr = reinterpret_cast<std::uintptr_t>(o.path);
        entry.len = permissions_of(o.mode);
        entry.open_flags = static_cast<unsigned>(open_flags_of(o.mode));
        break;
    }
  }

  int fd_ = -1;
  std::mutex submitting_;
  ring_queue submitted_, completed_;
  unsigned* order_ = nullptr;
  io_uring_sqe* submissions_ = nullptr;
  const io_uring_cqe* completions_ = nullptr;
  inner_atomic<unsigned> under_way_{0};
};

uring& the_uring() noexcept {
  // Outlives every static object, like the runtime.
  alignas(uring) static std::byte room[sizeof(uring)];
  static uring* const instance = ::new (room) uring;
  return *instance;
}

}  // namespace

int uring_descriptor() noexcept { return the_uring().fd(); }
[[gnu::noinline]] bool submit_to_uring(const file_operation& operation, void* tag) noexcept {
  return the_uring().submit(operation, tag);
}
bool collect_from_uring(uring_completion& done) noexcept { return the_uring().collect(done); }

}  // namespace weft::detail
