// One goroutine knows the site. For each address there is another, which waits for its turn (the
// client's semaphores), asks, and sends what it has found. Nothing is shared, so nothing is locked.
#include "crawler.hpp"

#include <chrono>
#include <utility>

#include <weft/weft.hpp>

#include "look.hpp"

namespace crawl {

bool crawl_site(const weft::context& ctx, web::client& http, site& s,
                const std::function<void(progress)>& every_second) {
  const weft::chan<finding> found;
  const weft::ticker second(std::chrono::seconds(1));
  const std::size_t bytes_max = s.bounds().bytes;
  progress now{};
  weft::task_group looking(ctx);  // however we leave: cancels them and waits for them
  for (;;) {
    for (job& each : s.take_jobs()) {
      ++now.waiting;
      looking.go([&http, found, bytes_max, j = std::move(each)](const weft::context& c) {
        found.send(c, look_at(c, http, j, bytes_max));
      });
    }
    if (now.waiting == 0) return true;
    bool cancelled = false;
    weft::select(weft::on_recv(found,
                               [&](std::optional<finding>&& f) {
                                 --now.waiting;
                                 ++now.done;
                                 s.learn(std::move(*f));
                               }),
                 weft::on_recv(second.channel(), [&](auto) { every_second(now); }),
                 weft::on_done(ctx, [&] { cancelled = true; }));
    if (cancelled) return false;
  }
}

}  // namespace crawl
