// Signals that ask the program to end, as values in a channel.
#pragma once

#include <csignal>
#include <thread>

#include <weft/chan.hpp>

namespace digest {

/// Make one before anything starts a thread: the threads that come later inherit its signal mask,
/// so that only this one's thread is ever given SIGINT or SIGTERM.
class interrupt {
 public:
  interrupt() {
    sigemptyset(&awaited_);
    for (const int signal : {SIGINT, SIGTERM})
      if (!ignored(signal)) sigaddset(&awaited_, signal);
    sigaddset(&awaited_, quit_signal);
    pthread_sigmask(SIG_BLOCK, &awaited_, nullptr);
    waiting_ = std::thread([awaited = awaited_, arrived = arrived_] {
      int signal = 0;
      sigwait(&awaited, &signal);
      arrived.send(signal);
    });
  }
  interrupt(const interrupt&) = delete;
  interrupt& operator=(const interrupt&) = delete;
  ~interrupt() {
    pthread_kill(waiting_.native_handle(), quit_signal);
    waiting_.join();
  }

  /// Delivers the number of the first signal.
  weft::recv_chan<int> arrived() const { return arrived_; }

 private:
  static constexpr int quit_signal = SIGUSR1;

  /// A shell that starts a program in the background may have told it to ignore Ctrl-C.
  static bool ignored(int signal) {
    struct sigaction now {};
    return sigaction(signal, nullptr, &now) == 0 && now.sa_handler == SIG_IGN;
  }

  sigset_t awaited_{};
  weft::chan<int> arrived_{1};
  std::thread waiting_;
};

}  // namespace digest
