// Fan-out and fan-in: several workers read from one channel, each answers on a channel of its own,
// and a `selector`, a select over as many channels as there happen to be, brings them together.
#include <cstddef>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include <weft/weft.hpp>

weft::recv_chan<int> cubes(weft::recv_chan<int> in) {
  weft::chan<int> out;
  weft::go([=] {
    for (int n : in) out.send(n * n * n);
    out.close();
  });
  return out;
}

weft::recv_chan<int> merge(std::vector<weft::recv_chan<int>> inputs) {
  weft::chan<int> out;
  weft::go([=]() mutable {
    while (!inputs.empty()) {
      std::optional<int> value;
      weft::selector any;
      for (const auto& in : inputs) any.add(weft::on_recv(in, value));

      std::size_t chosen = any.select();
      for (; value; chosen = any.select()) out.send(*value);
      inputs.erase(inputs.begin() + static_cast<std::ptrdiff_t>(chosen));  // it was closed
    }
    out.close();
  });
  return out;
}

int main() {
  weft::chan<int> numbers;
  std::vector<weft::recv_chan<int>> workers;
  for (int w = 0; w < 4; ++w) workers.push_back(cubes(numbers));

  weft::go([=] {
    for (int n = 1; n <= 12; ++n) numbers.send(n);
    numbers.close();
  });
  for (int cube : merge(workers)) std::cout << std::to_string(cube) + "\n";
}
