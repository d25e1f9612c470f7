#include "sums.hpp"

#include <utility>

#include <weft/go.hpp>
#include <weft/wait_group.hpp>

#include "files/names.hpp"
#include "files/walk.hpp"
#include "ordered.hpp"

namespace digest {

namespace {

using batch = std::vector<found_file>;

struct outcome {
  std::string lines;
  std::vector<std::string> messages;  // one for each file that could not be read
};

using summing = ordered_work<batch, outcome>;

outcome sum_batch(file_hasher& hasher, const batch& files, const progress& bar) {
  outcome result;
  amount step{.files = files.size()};
  for (const found_file& file : files) {
    const checksum sum = file.trouble ? checksum{.hex = {}, .trouble = file.trouble}
                                      : hasher.hash(file.name, file.in_tree);
    step.bytes += sum.unreported_bytes;
    if (sum.trouble)
      result.messages.push_back(quoted(file.name) + ": " + sum.trouble.message());
    else
      result.lines += sum_line(sum.hex, file.name);
  }
  bar.report(step);
  return result;
}

void hash_batches(const summing& work, const algorithm& function, const progress& bar) {
  file_hasher hasher(function, [&bar](std::uint64_t bytes) { bar.report({.bytes = bytes}); });
  work.serve([&](const batch& files) { return sum_batch(hasher, files, bar); });
}

void submit_files(const summing& work, const std::vector<std::string>& paths) {
  batcher<found_file> batches([&](batch full) { work.submit(std::move(full)); });
  walk(paths, [&](found_file file) {
    const std::uint64_t file_bytes = file.size;
    const std::size_t name_bytes = file.name.size();
    batches.add(std::move(file), file_bytes, name_bytes);
  });
  batches.flush();
  work.close();
}

/// A walk that reads no file is soon over, and then the bar knows how much there is to do.
void count_files(const std::vector<std::string>& paths, const weft::send_chan<amount>& totals) {
  amount all;
  walk(paths, [&](const found_file& file) {
    all.files += 1;
    all.bytes += file.size;
  });
  totals.try_send(all);
}

}  // namespace

bool print_sums(const std::vector<std::string>& paths, const algorithm& function, int jobs,
                console& screen, const progress& bar) {
  const summing work(window_batches);
  const weft::wait_group hashers;
  for (int i = 0; i < jobs; ++i)
    hashers.go(weft::named("hasher"), [&, work] { hash_batches(work, function, bar); });
  weft::go(weft::named("walker"), [&, work] { submit_files(work, paths); });
  if (bar.shown())
    weft::go(weft::named("counter"), [paths, to = bar.totals()] { count_files(paths, to); });

  bool all_read = true;
  for (const auto& reply : work.replies()) {
    const outcome done = *reply.recv();
    screen.print(done.lines);
    for (const std::string& message : done.messages) screen.say(message);
    all_read = all_read && done.messages.empty();
  }
  hashers.wait();
  return all_read;
}

}  // namespace digest
