#include "terminal/progress.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <optional>
#include <string>

#include <weft/go.hpp>
#include <weft/select.hpp>
#include <weft/time.hpp>

namespace digest {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t steps_buffered = 64;
constexpr int bar_cells = 12;

template <class... Args>
std::string formatted(const char* format, Args... args) {
  char text[64];
  const int length = std::snprintf(text, sizeof text, format, args...);
  return std::string(text, std::min(static_cast<std::size_t>(length), sizeof text - 1));
}

/// "123.4 MB", or "123.4/567.8 MB" with a total.
std::string size_text(std::uint64_t bytes, const std::optional<amount>& total) {
  const std::uint64_t largest = total ? std::max(total->bytes, bytes) : bytes;
  const bool giga = largest >= 10'000'000'000;
  const double unit = giga ? 1e9 : 1e6;
  std::string text = formatted("%.1f", static_cast<double>(bytes) / unit);
  if (total) text += formatted("/%.1f", static_cast<double>(total->bytes) / unit);
  return text + (giga ? " GB" : " MB");
}

std::string time_text(double seconds) {
  const auto all = static_cast<unsigned long>(seconds + 0.5);
  if (all < 3600) return formatted("%lu:%02lu", all / 60, all % 60);
  return formatted("%lu:%02lu:%02lu", all / 3600, all / 60 % 60, all % 60);
}

std::string cells_text(double part) {
  const int full = static_cast<int>(part * bar_cells);
  std::string cells = "[";
  for (int i = 0; i < bar_cells; ++i) cells += i < full ? '#' : '.';
  return cells + "]";
}

std::string bar_text(amount done, const std::optional<amount>& total, double elapsed_s) {
  const double bytes_per_s = static_cast<double>(done.bytes) / std::max(elapsed_s, 1e-3);
  std::string text;
  std::string eta;
  if (total && total->bytes > 0) {
    const auto all = static_cast<double>(total->bytes);
    const double part = std::min(1.0, static_cast<double>(done.bytes) / all);
    text = cells_text(part) + ' ';
    eta = "  ETA " + (done.bytes > 0 ? time_text((1 - part) * all / bytes_per_s) : "-:--");
  }
  text += std::to_string(done.files);
  if (total) text += '/' + std::to_string(total->files);
  text += " files  " + size_text(done.bytes, total);
  text += formatted("  %.0f MB/s", bytes_per_s / 1e6) + eta;
  const unsigned columns = console::columns();  // a full line would wrap, and not be wiped whole
  return text.substr(0, columns - 1);
}

void show(console& screen, const weft::recv_chan<amount>& steps,
          const weft::recv_chan<amount>& totals) {
  const weft::ticker redraw(100ms);
  const auto start = weft::clock::now();
  amount done;
  std::optional<amount> total;
  for (bool open = true; open;) {
    weft::select(weft::on_recv(steps,
                               [&](std::optional<amount> step) {
                                 if (!step) return void(open = false);
                                 done.files += step->files;
                                 done.bytes += step->bytes;
                               }),
                 weft::on_recv(totals, total), weft::on_recv(redraw.channel(), [&](auto) {
                   const std::chrono::duration<double> elapsed = weft::clock::now() - start;
                   screen.draw(bar_text(done, total, elapsed.count()));
                 }));
  }
  screen.wipe();
}

}  // namespace

progress::progress(console& screen, bool shown) {
  if (!shown) return;
  steps_ = weft::chan<amount>(steps_buffered);
  weft::go(weft::named("progress"), [&screen, steps = steps_, totals = totals_, end = finished_] {
    show(screen, steps, totals);
    end.send();
  });
}

progress::~progress() {
  if (!steps_) return;
  steps_.close();
  finished_.recv();
}

}  // namespace digest
