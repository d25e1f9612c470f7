// The open connections of a server, so that it can end gracefully: those that rest at once, those
// that are in the middle of a request after it.
#pragma once

#include <chrono>
#include <list>

#include <weft/net/tcp.hpp>
#include <weft/sync/mutex.hpp>

namespace web {

class connections {
 public:
  class entry {
   public:
    entry(connections& all, weft::net::tcp_stream& stream);
    entry(const entry&) = delete;
    entry& operator=(const entry&) = delete;
    ~entry();

    /// Between two requests. False: the server ends, no more of them.
    bool rest(std::chrono::milliseconds at_most);
    /// In a request: what follows must be done in time.
    void work(std::chrono::milliseconds at_most);
    /// Whether the server ends: the response should say so.
    bool ending();

    weft::net::tcp_stream& stream() noexcept { return stream_; }

   private:
    friend class connections;
    void end();

    connections& all_;
    weft::net::tcp_stream& stream_;
    std::list<entry*>::iterator place_;
    weft::mutex mutex_;
    bool resting_ = false;
    bool ending_ = false;
  };

  /// From now on `rest` is false; those that rest wake up.
  void end_all();
  /// Whatever they do.
  void close_all();

 private:
  weft::mutex mutex_;  // taken before an entry's
  std::list<entry*> entries_;
  bool ending_ = false;
};

}  // namespace web
