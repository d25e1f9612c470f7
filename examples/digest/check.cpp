#include "check.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <weft/go.hpp>
#include <weft/wait_group.hpp>

#include "files/list_line.hpp"
#include "files/names.hpp"
#include "ordered.hpp"

namespace digest {

namespace {

struct checked_line {
  std::uint64_t number = 0;
  std::optional<claim> said;  // nullopt: malformed
};

using batch = std::vector<checked_line>;

struct counts {
  std::uint64_t well_formed = 0, malformed = 0, matched = 0, mismatched = 0, unreadable = 0;

  void operator+=(const counts& more) {
    well_formed += more.well_formed;
    malformed += more.malformed;
    matched += more.matched;
    mismatched += more.mismatched;
    unreadable += more.unreadable;
  }
};

struct outcome {
  std::string lines;
  std::vector<std::string> messages;
  counts count;
};

using checking = ordered_work<batch, outcome>;
using file_handle = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

/// Everything that is the same for all lines of a list.
struct task {
  std::string list;
  const options& wanted;
  const algorithm& function;
  const progress& bar;

  bool from_stdin() const { return list == "-"; }
  std::string title() const { return quoted(from_stdin() ? "standard input" : list); }
};

void check_file(file_hasher& hasher, const claim& said, const task& t, amount& step, outcome& to) {
  ++to.count.well_formed;
  const checksum sum = hasher.hash(said.name, false);
  step.bytes += sum.unreported_bytes;
  auto report = [&](std::string_view verdict) {
    if (!t.wanted.status) to.lines += verdict_line(said.name, verdict);
  };
  if (sum.trouble) {
    if (t.wanted.ignore_missing && sum.trouble == std::errc::no_such_file_or_directory) return;
    ++to.count.unreadable;
    to.messages.push_back(quoted(said.name) + ": " + sum.trouble.message());
    report("FAILED open or read");
  } else if (!same_hex(sum.hex, said.hex)) {
    ++to.count.mismatched;
    report("FAILED");
  } else {
    ++to.count.matched;
    if (!t.wanted.quiet) report("OK");
  }
}

outcome check_batch(file_hasher& hasher, const batch& lines, const task& t) {
  outcome result;
  amount step{.files = lines.size()};
  for (const checked_line& line : lines) {
    if (line.said) {
      check_file(hasher, *line.said, t, step, result);
      continue;
    }
    ++result.count.malformed;
    if (t.wanted.warn)
      result.messages.push_back(t.title() + ": " + std::to_string(line.number) +
                                ": improperly formatted " + t.function.tag() + " checksum line");
  }
  t.bar.report(step);
  return result;
}

void check_batches(const checking& work, const task& t) {
  file_hasher hasher(t.function, [&t](std::uint64_t bytes) { t.bar.report({.bytes = bytes}); });
  work.serve([&](const batch& lines) { return check_batch(hasher, lines, t); });
}

std::uint64_t size_of(const std::string& name) {
  struct stat about {};
  return stat(name.c_str(), &about) == 0 ? static_cast<std::uint64_t>(about.st_size) : 0;
}

/// Calls `each` with every line, without its end. Returns: whether the end of the file was reached.
template <class F>
bool read_lines(std::FILE* file, F each) {
  char* text = nullptr;
  std::size_t room = 0;
  for (ssize_t length; (length = getline(&text, &room, file)) >= 0;) {
    std::string_view line(text, static_cast<std::size_t>(length));
    if (line.ends_with('\n')) line.remove_suffix(1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    each(line);
  }
  std::free(text);
  return std::ferror(file) == 0;
}

/// Returns: whether the list could be read to its end.
bool submit_lines(const checking& work, const task& t, std::FILE* file) {
  batcher<checked_line> batches([&](batch full) { work.submit(std::move(full)); });
  std::uint64_t number = 0;
  const bool complete = read_lines(file, [&](std::string_view line) {
    ++number;
    if (line.empty() || line.starts_with('#')) return;
    checked_line next{number, parse_line(line, t.function)};
    if (next.said && next.said->name == "-" && t.from_stdin()) next.said.reset();
    const std::uint64_t file_bytes = next.said ? size_of(next.said->name) : 0;
    batches.add(std::move(next), file_bytes, line.size());
  });
  batches.flush();
  work.close();
  return complete;
}

std::string warning(std::uint64_t n, std::string_view one, std::string_view several) {
  return "WARNING: " + std::to_string(n) + ' ' + std::string(n == 1 ? one : several);
}

/// Says what was wrong altogether. Returns: whether all is well.
bool conclude(const counts& all, const task& t, console& screen) {
  if (all.well_formed == 0) {
    screen.say(t.title() + ": no properly formatted checksum lines found");
    return false;
  }
  if (!t.wanted.status) {
    if (all.malformed > 0)
      screen.say(
          warning(all.malformed, "line is improperly formatted", "lines are improperly formatted"));
    if (all.unreadable > 0)
      screen.say(warning(all.unreadable, "listed file could not be read",
                         "listed files could not be read"));
    if (all.mismatched > 0)
      screen.say(warning(all.mismatched, "computed checksum did NOT match",
                         "computed checksums did NOT match"));
    if (t.wanted.ignore_missing && all.matched == 0)
      screen.say(t.title() + ": no file was verified");
  }
  return all.matched > 0 && all.mismatched == 0 && all.unreadable == 0 &&
         (!t.wanted.strict || all.malformed == 0);
}

}  // namespace

bool check_list(const std::string& list, const options& wanted, const algorithm& function, int jobs,
                console& screen, const progress& bar) {
  const task t{list, wanted, function, bar};
  const file_handle opened(t.from_stdin() ? stdin : std::fopen(list.c_str(), "re"), &std::fclose);
  if (!opened) {
    screen.say(quoted(list) + ": " + std::error_code(errno, std::generic_category()).message());
    return false;
  }
  const checking work(window_batches);
  const weft::wait_group checkers;
  for (int i = 0; i < jobs; ++i)
    checkers.go(weft::named("checker"), [&, work] { check_batches(work, t); });
  const weft::chan<bool> read_to_end(1);
  weft::go(weft::named("list reader"),
           [&, work, read_to_end] { read_to_end.send(submit_lines(work, t, opened.get())); });

  counts all;
  for (const auto& reply : work.replies()) {
    const outcome done = *reply.recv();
    screen.print(done.lines);
    for (const std::string& message : done.messages) screen.say(message);
    all += done.count;
  }
  checkers.wait();
  if (!*read_to_end.recv()) {
    screen.say(quoted(list) + ": read error");
    return false;
  }
  return conclude(all, t, screen);
}

}  // namespace digest
