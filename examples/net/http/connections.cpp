#include "connections.hpp"

#include <mutex>
#include <system_error>

namespace web {

connections::entry::entry(connections& all, weft::net::tcp_stream& stream)
    : all_(all), stream_(stream) {
  const std::lock_guard lock(all_.mutex_);
  ending_ = all_.ending_;
  place_ = all_.entries_.insert(all_.entries_.end(), this);
}

connections::entry::~entry() {
  const std::lock_guard lock(all_.mutex_);
  all_.entries_.erase(place_);
}

bool connections::entry::rest(std::chrono::milliseconds at_most) {
  const std::lock_guard lock(mutex_);
  if (ending_) return false;
  resting_ = true;
  stream_.set_deadline_after(at_most);
  return true;
}

void connections::entry::work(std::chrono::milliseconds at_most) {
  const std::lock_guard lock(mutex_);
  resting_ = false;
  stream_.set_deadline_after(at_most);
}

bool connections::entry::ending() {
  const std::lock_guard lock(mutex_);
  return ending_;
}

void connections::entry::end() {
  const std::lock_guard lock(mutex_);
  ending_ = true;
  // A deadline in the past ends the read that waits, as close() would; but if a request has just
  // arrived, it can still be answered.
  if (resting_) stream_.set_deadline_after(std::chrono::seconds(0));
}

void connections::end_all() {
  const std::lock_guard lock(mutex_);
  ending_ = true;
  for (entry* e : entries_) e->end();
}

void connections::close_all() {
  const std::lock_guard lock(mutex_);
  std::error_code ignored;
  for (entry* e : entries_) e->stream().close(ignored);
}

}  // namespace web
