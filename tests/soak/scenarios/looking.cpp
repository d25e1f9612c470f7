// Onlookers: who asks the runtime about itself while everything else goes on.
#include <string>

#include "scenarios.hpp"

namespace soak {

void onlookers(scene& s) {
  crew all(s, 30);
  s.at("looking");
  for (std::size_t i = s.random().between(1, 3); i-- > 0;)
    all.start([&s](random_source random) {
      for (std::size_t n = random.between(1, 4); n-- > 0;) {
        const std::string text = weft::dump();
        const std::uint64_t me = weft::this_goroutine::id();  // 0: a plain thread
        s.check(me == 0 || text.find("goroutine " + std::to_string(me)) != std::string::npos,
                "a dump leaves out the goroutine that asks for it");
        s.check(weft::max_procs() >= 1, "no processors");
        weft::sleep_for(random.tiny_wait());
        s.step();
      }
    });
  all.join();
}

}  // namespace soak
