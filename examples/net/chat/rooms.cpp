#include "rooms.hpp"

#include <algorithm>
#include <mutex>
#include <utility>

namespace chat {

seat::seat(std::shared_ptr<room> where, std::string name, std::size_t outbox)
    : room_(std::move(where)), name_(std::move(name)), outbox_(outbox) {
  room_->enter(*this);
}

void seat::say(std::string_view what) { room_->say(*this, what); }
void seat::leave() { room_->remove(*this); }

farewell seat::why() const {
  const std::lock_guard lock(room_->mutex_);
  return why_;
}

void room::enter(seat& who) {
  const std::lock_guard lock(mutex_);
  who.name_ = free_name_locked(who.name_);
  std::vector<std::string_view> people;
  for (const seat* each : seats_) people.emplace_back(each->name_);
  people.emplace_back(who.name_);
  who.outbox_.try_send(welcome(name_, who.name_, people, history_));
  const text news = joined(who.name_, people.size());
  seats_.reserve(people.size());  // nothing fails after the others have been told
  tell_all_locked(news);
  seats_.push_back(&who);
}

void room::remove(seat& who) {
  const std::lock_guard lock(mutex_);
  if (!std::exchange(who.present_, false)) return;
  if (std::exchange(who.open_, false)) who.outbox_.close();
  std::erase(seats_, &who);
  tell_all_locked(left(who.name_, seats_.size()));
}

void room::say(const seat& who, std::string_view what) {
  const std::lock_guard lock(mutex_);
  if (!who.open_) return;
  const text t = said(who.name_, what);
  history_.push_back(t);
  if (history_.size() > limits_.history) history_.pop_front();
  tell_all_locked(t);
}

void room::send_all_away(farewell why) {
  const std::lock_guard lock(mutex_);
  for (seat* each : seats_) send_away_locked(*each, why);
}

bool room::is_empty() {
  const std::lock_guard lock(mutex_);
  return seats_.empty();
}

std::string room::free_name_locked(const std::string& wanted) const {
  const auto taken = [&](const std::string& name) {
    return std::any_of(seats_.begin(), seats_.end(),
                       [&](const seat* each) { return each->name_ == name; });
  };
  std::string name = wanted;
  for (int number = 2; taken(name); ++number) name = wanted + " (" + std::to_string(number) + ")";
  return name;
}

void room::tell_all_locked(const text& t) {
  for (seat* each : seats_)
    if (each->open_ && each->outbox_.try_send(t) != weft::channel_status::ok) {
      send_away_locked(*each, farewell::try_later);
      while (each->outbox_.try_recv()) {  // it had its chance
      }
    }
}

void room::send_away_locked(seat& who, farewell why) {
  if (!std::exchange(who.open_, false)) return;
  who.why_ = why;
  who.outbox_.close();
}

std::unique_ptr<seat> rooms::join(const std::string& room_name, const std::string& name) {
  const std::lock_guard lock(mutex_);
  if (ended_) return nullptr;
  std::shared_ptr<room> found = find_locked(room_name);
  return found ? std::make_unique<seat>(std::move(found), name, limits_.outbox) : nullptr;
}

void rooms::end() {
  const std::lock_guard lock(mutex_);
  ended_ = true;
  for (const auto& each : rooms_) each.second->send_all_away(farewell::server_ends);
}

std::shared_ptr<room> rooms::find_locked(const std::string& name) {
  if (const auto found = rooms_.find(name); found != rooms_.end()) return found->second;
  if (rooms_.size() >= limits_.rooms)
    std::erase_if(rooms_, [](const auto& each) { return each.second->is_empty(); });
  if (rooms_.size() >= limits_.rooms) return nullptr;
  return rooms_[name] = std::make_shared<room>(name, limits_);
}

}  // namespace chat
