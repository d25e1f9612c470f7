// Lists whose links live in their elements: no allocation, so nothing on them can fail.
//
// Threads: none of their own; the owner of the list locks.
// Tested by: tests/unit/base/intrusive_list_test.cpp
#pragma once

#include <cstddef>

namespace weft::detail {

/// First in, first out, through one link.
template <class T, T* T::*Next>
class intrusive_queue {
 public:
  bool empty() const noexcept { return first_ == nullptr; }
  T* front() const noexcept { return first_; }

  void push_back(T* element) noexcept {
    element->*Next = nullptr;
    if (last_)
      last_->*Next = element;
    else
      first_ = element;
    last_ = element;
  }
  void push_front(T* element) noexcept {
    element->*Next = first_;
    first_ = element;
    if (!last_) last_ = element;
  }
  T* pop_front() noexcept {
    T* element = first_;
    if (!element) return nullptr;
    first_ = element->*Next;
    if (!first_) last_ = nullptr;
    element->*Next = nullptr;
    return element;
  }
  void append(intrusive_queue&& other) noexcept {
    if (other.empty()) return;
    if (last_)
      last_->*Next = other.first_;
    else
      first_ = other.first_;
    last_ = other.last_;
    other.first_ = other.last_ = nullptr;
  }

 private:
  T* first_ = nullptr;
  T* last_ = nullptr;
};

/// The first element's address in a list that only its owner looks at.
template <class T>
class unshared {
 public:
  T read() const noexcept { return value_; }
  void write(T value) noexcept { value_ = value; }

 private:
  T value_{};
};

/// Both ends, and removal from the middle, through two links. With `hint` for First others may ask
/// whether it is empty, too.
template <class T, T* T::*Next, T* T::*Previous, template <class> class First = unshared>
class intrusive_deque {
 public:
  bool empty() const noexcept { return first_.read() == nullptr; }
  T* front() const noexcept { return first_.read(); }
  T* back() const noexcept { return last_; }

  void push_front(T* element) noexcept {
    T* const next = first_.read();
    element->*Previous = nullptr;
    element->*Next = next;
    if (next)
      next->*Previous = element;
    else
      last_ = element;
    first_.write(element);
  }
  void push_back(T* element) noexcept {
    element->*Next = nullptr;
    element->*Previous = last_;
    if (last_)
      last_->*Next = element;
    else
      first_.write(element);
    last_ = element;
  }
  void remove(T* element) noexcept {
    T* const previous = element->*Previous;
    if (!previous) {
      remove_first(element);
      return;
    }
    T* const next = element->*Next;
    previous->*Next = next;
    (next ? next->*Previous : last_) = previous;
    element->*Next = element->*Previous = nullptr;
  }
  T* pop_front() noexcept {
    T* element = first_.read();
    if (element) remove_first(element);
    return element;
  }
  T* pop_back() noexcept {
    T* element = last_;
    if (element) remove(element);
    return element;
  }

 private:
  void remove_first(T* element) noexcept {
    T* const next = element->*Next;
    first_.write(next);
    (next ? next->*Previous : last_) = nullptr;
    element->*Next = nullptr;
  }

  First<T*> first_{};
  T* last_ = nullptr;
};

}  // namespace weft::detail
