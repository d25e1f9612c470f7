// A pipeline: each stage is a goroutine that reads one channel and writes the next. Closing a
// channel says "no more"; the range-for of the next stage then ends, and so the end travels down.
#include <iostream>

#include <weft/weft.hpp>

weft::recv_chan<int> numbers(int last) {
  weft::chan<int> out;
  weft::go([=] {
    for (int n = 1; n <= last; ++n) out.send(n);
    out.close();
  });
  return out;
}

weft::recv_chan<int> squares(weft::recv_chan<int> in) {
  weft::chan<int> out;
  weft::go([=] {
    for (int n : in) out.send(n * n);
    out.close();
  });
  return out;
}

int main() {
  for (int square : squares(numbers(5))) std::cout << square << '\n';
}
