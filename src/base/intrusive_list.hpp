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

/// Both ends, and removal from the middle, through two links.
template <class T, T* T::*Next, T* T::*Previous>
class intrusive_deque {
 public:
  bool empty() const noexcept { return first_ == nullptr; }
  T* front() const noexcept { return first_; }
  T* back() const noexcept { return last_; }

  void push_front(T* element) noexcept {
    element->*Previous = nullptr;
    element->*Next = first_;
    if (first_)
      first_->*Previous = element;
    else
      last_ = element;
    first_ = element;
  }
  void push_back(T* element) noexcept {
    element->*Next = nullptr;
    element->*Previous = last_;
    if (last_)
      last_->*Next = element;
    else
      first_ = element;
    last_ = element;
  }
  void remove(T* element) noexcept {
    T* next = element->*Next;
    T* previous = element->*Previous;
    (previous ? previous->*Next : first_) = next;
    (next ? next->*Previous : last_) = previous;
    element->*Next = element->*Previous = nullptr;
  }
  T* pop_front() noexcept {
    T* element = first_;
    if (element) remove(element);
    return element;
  }
  T* pop_back() noexcept {
    T* element = last_;
    if (element) remove(element);
    return element;
  }

 private:
  T* first_ = nullptr;
  T* last_ = nullptr;
};

}  // namespace weft::detail
