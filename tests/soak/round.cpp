#include "round.hpp"

#include <cstdio>
#include <cstdlib>
#include <thread>

#include <weft/weft.hpp>

#include "cast.hpp"

namespace soak {
namespace {

std::vector<const scenario*> wanted(const std::string& only) {
  std::vector<const scenario*> chosen;
  for (const scenario& each : all_scenarios())
    if (std::string(each.name).find(only) != std::string::npos) chosen.push_back(&each);
  return chosen;
}

std::string replay_of(const options& asked, std::uint64_t number) {
  std::string text = std::getenv("WEFT_FORCE_MIGRATE") ? "WEFT_FORCE_MIGRATE=1 " : "";
  text += "soak --seed " + std::to_string(asked.seed) + " --round " + std::to_string(number);
  if (asked.procs > 0) text += " --procs " + std::to_string(asked.procs);
  if (!asked.only.empty()) text += " --only '" + asked.only + "'";
  return text;
}

}  // namespace

round::round(const options& asked, std::uint64_t number)
    : number_(number), procs_(asked.procs), replay_(replay_of(asked, number)) {
  random_source random(asked.seed * 0x9E3779B97F4A7C15U + number);
  const auto choice = wanted(asked.only);
  const std::size_t count = choice.empty() ? 0 : random.between(2, 9);
  for (std::size_t i = 0; i < count; ++i) {
    part p;
    const scenario& what = *choice[random.below(choice.size())];
    p.what = std::make_unique<scene>(what, random.next(), static_cast<int>(i));
    p.on_thread = random.percent(25);
    parts_.push_back(std::move(p));
  }
}

void round::run() {
  set_replay(replay_.c_str());
  if (procs_ > 0) weft::set_max_procs(procs_);
  const weft::wait_group goroutines;
  std::vector<std::thread> threads;
  for (const part& p : parts_) {
    scene& s = *p.what;
    if (p.on_thread)
      threads.emplace_back([&s] { s.play(); });
    else
      goroutines.go(weft::named(s.name()), [&s] { s.play(); });
  }
  for (std::thread& t : threads) t.join();
  goroutines.wait();
  settle();
}

/// A goroutine that has told that it is over may still be on its last steps.
void round::settle() {
  static const scenario rest{"end of the round", [](scene& s) {
                               s.at("waiting for the last goroutine to end");
                               while (weft::num_goroutines() != 0)
                                 weft::sleep_for(std::chrono::microseconds(100));
                               s.check(live::count() == 0, "elements are left, or gone twice");
                             }};
  part last;
  last.what = std::make_unique<scene>(rest, 0, static_cast<int>(parts_.size()));
  last.what->play();
}

}  // namespace soak
