// Three mirrors are asked; the first that fails tells the others why it is over.
#include <iostream>
#include <stdexcept>
#include <string>

#include <weft/weft.hpp>

int main() {
  auto [ctx, cancel] = weft::with_cancel_cause(weft::background());
  const weft::chan<std::string> reports;

  for (const char* mirror : {"north", "south"})
    weft::go([=, ctx = ctx] {
      const weft::chan<int> never_answers;
      never_answers.recv(ctx);
      try {
        ctx.throw_if_cancelled();
      } catch (const std::runtime_error& reason) {
        reports.send(std::string(mirror) + " gives up: " + reason.what());
      }
    });
  weft::go([cancel = cancel] { cancel(std::runtime_error("disk full")); });

  std::cout << *reports.recv() << '\n' << *reports.recv() << '\n';
  cancel(std::runtime_error("too late to matter"));  // the first reason stays
  std::cout << ctx.err().message() << '\n';
}

// Prints, in any order:
// north gives up: disk full
// south gives up: disk full
// context canceled
