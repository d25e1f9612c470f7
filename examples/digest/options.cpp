#include "options.hpp"

#include <CLI/CLI.hpp>

namespace digest {

namespace {

constexpr const char* about =
    "Print the checksums of all files below PATH..., or check a list of them, on every processor.";

constexpr const char* notes = R"(
Output is that of sha256sum, byte for byte, escapes included. Order: the paths as
given; below a directory depth first, the entries of each directory sorted by the
bytes of their names. A PATH that is a directory (or a link to one) is walked; links
and special files inside it are passed over, as by `find -type f`. A PATH that is a
file (or a link to one) is hashed; "-", or no PATH at all, is standard input.

-j is the number of goroutines that hash, and of processors they run on: more of them
than CPUs help on a slow disk. Without -j there is one for each processor.

Memory is bounded, whatever the size of the tree: at most 32768 files are between
the first one that is not printed yet and the last one found, and of each level of the
tree the entries of at most five directories are held.

A progress bar is shown while standard error is a terminal.

Exit status: 0 all went well; 1 a file could not be read, did not match, a list was
malformed, or output failed; 130 interrupted by Ctrl-C, after a whole line.)";

void declare(CLI::App& app, options& o) {
  app.add_option("PATH", o.paths, "Files and directories; with -c: lists of checksums");
  app.add_option("-a,--algorithm", o.algorithm,
                 "Any hash function of OpenSSL: sha256, sha1, md5, sha512, blake2b512, ...")
      ->capture_default_str();
  app.add_option("-j,--jobs", o.jobs, "How many files to hash at the same time")
      ->check(CLI::Range(1, 1024));
  auto* check = app.add_flag("-c,--check", o.check, "Check the lists given as PATH");
  app.add_flag("--quiet", o.quiet, "With -c: no line for a file that matches")->needs(check);
  app.add_flag("--status", o.status, "With -c: no output, the status says it all")->needs(check);
  app.add_flag("-w,--warn", o.warn, "With -c: name each malformed line")->needs(check);
  app.add_flag("--strict", o.strict, "With -c: status 1 for malformed lines")->needs(check);
  app.add_flag("--ignore-missing", o.ignore_missing, "With -c: pass over files that do not exist")
      ->needs(check);
  app.footer(notes);
}

}  // namespace

std::variant<options, int> parse(int argc, const char* const* argv) {
  options o;
  CLI::App app(about, "weft-digest");
  declare(app, o);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 1;
  }
  if (o.paths.empty()) o.paths = {"-"};
  return o;
}

}  // namespace digest
