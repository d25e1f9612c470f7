// weft-digest: sha256sum for whole trees, on every processor.
//
// One goroutine walks, several hash, one prints in order, and channels join them; main, an ordinary
// thread, waits for whichever comes first, the end of the work or Ctrl-C.
#include <clocale>
#include <csignal>
#include <optional>
#include <stdexcept>
#include <variant>

#include <weft/weft.hpp>

#include "check.hpp"
#include "files/hash.hpp"
#include "options.hpp"
#include "sums.hpp"
#include "terminal/console.hpp"
#include "terminal/interrupt.hpp"
#include "terminal/progress.hpp"

namespace {

/// Returns: whether all is well.
bool work(const digest::options& wanted, const digest::algorithm& function,
          digest::console& screen) {
  const int jobs = weft::max_procs();
  const digest::progress bar(screen, digest::console::has_terminal());
  if (!wanted.check) return digest::print_sums(wanted.paths, function, jobs, screen, bar);

  bool all_well = true;
  for (const std::string& list : wanted.paths)
    all_well &= digest::check_list(list, wanted, function, jobs, screen, bar);
  return all_well;
}

}  // namespace

int main(int argc, char** argv) {
  std::setlocale(LC_CTYPE, "");
  std::signal(SIGPIPE, SIG_IGN);  // print() sees EPIPE instead, and the bar can be taken away
  const digest::interrupt signals;

  const auto parsed = digest::parse(argc, argv);
  if (const int* status = std::get_if<int>(&parsed)) return *status;
  const auto& wanted = std::get<digest::options>(parsed);
  if (wanted.jobs > 0) weft::set_max_procs(wanted.jobs);

  digest::console screen("weft-digest");
  try {
    const digest::algorithm function(wanted.algorithm);
    const weft::chan<bool> finished(1);
    weft::go(weft::named("output"),
             [&, finished] { finished.send(work(wanted, function, screen)); });

    std::optional<bool> all_well;
    std::optional<int> signal;
    weft::select(weft::on_recv(finished, all_well), weft::on_recv(signals.arrived(), signal));
    if (signal) screen.leave(128 + *signal);
    return *all_well ? 0 : 1;
  } catch (const std::invalid_argument& e) {
    screen.say(e.what());
    return 1;
  }
}
