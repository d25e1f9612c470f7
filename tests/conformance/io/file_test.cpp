// Files: what is written is read, ends and errors, and that nobody else is held up.
#include <weft/io/file.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include <weft/io/copy.hpp>
#include <weft/io/reader.hpp>
#include <weft/runtime.hpp>

#include "scripted_stream.hpp"
#include "weft_test.hpp"

namespace {

using weft::io_errc;
using weft::io::file;
using weft::io::open_mode;
using weft_test::everywhere;
using weft_test::numbered_text;
using weft_test::scratch_folder;
using io_file = weft_test::fixture;

constexpr open_mode fresh = open_mode::read_write | open_mode::must_create;

std::string contents_of(const std::string& path) {
  file f = file::open(path);
  return weft::io::read_all(f, std::size_t{1} << 28);
}

/// On a disk, and in memory where there is such a file system.
template <class Body>
void on_every_file_system(Body body) {
  std::vector<std::filesystem::path> places{std::filesystem::temp_directory_path()};
  if (::access("/dev/shm", W_OK) == 0) places.emplace_back("/dev/shm");
  for (const auto& place : places) {
    SCOPED_TRACE(place);
    everywhere([&] {
      const scratch_folder folder(place);
      body(folder);
    });
  }
}

TEST_F(io_file, gives_back_what_was_written) {
  on_every_file_system([](const scratch_folder& folder) {
    const std::string text = numbered_text(200'000);
    file f = file::open(folder / "a", fresh);
    EXPECT_EQ(f.write(text), text.size());
    EXPECT_EQ(f.size(), text.size());
    EXPECT_EQ(f.position(), text.size());
    f.sync();
    f.sync_data();
    f.set_position(0);
    EXPECT_EQ(weft::io::read_all(f, text.size()), text);
    std::array<char, 10> ten{};
    EXPECT_EQ(f.read_at(100, std::span(ten)), 10U);
    EXPECT_EQ(std::string_view(ten.data(), 10), text.substr(100, 10));
    EXPECT_EQ(f.position(), text.size());
    EXPECT_EQ(f.write_at(100, std::string_view("0123456789")), 10U);
    EXPECT_EQ(f.position(), text.size());
    f.close();
    std::string changed = text;
    changed.replace(100, 10, "0123456789");
    EXPECT_EQ(contents_of(folder / "a"), changed);
  });
}

TEST_F(io_file, ends) {
  on_every_file_system([](const scratch_folder& folder) {
    file f = file::open(folder / "a", fresh);
    f.write(std::string_view("12345"));
    std::array<char, 10> ten{};
    std::error_code ec;
    EXPECT_EQ(f.read_some(std::span(ten), ec), 0U);
    EXPECT_EQ(ec, io_errc::end_of_file);
    EXPECT_EQ(f.read_at(3, std::span(ten), ec), 2U);
    EXPECT_EQ(ec, io_errc::end_of_file);
    EXPECT_EQ(std::string_view(ten.data(), 2), "45");
    EXPECT_EQ(f.read_at(3, std::span(ten).first(2), ec), 2U);
    EXPECT_FALSE(ec);
    EXPECT_EQ(f.read_at(100, std::span(ten), ec), 0U);
    EXPECT_EQ(ec, io_errc::end_of_file);
    EXPECT_EQ(f.read_some(std::span(ten).first(0), ec), 0U);
    EXPECT_FALSE(ec);
    EXPECT_EQ(f.write_at(8, std::string_view("x"), ec), 1U);  // leaves a hole
    f.set_position(0);
    EXPECT_EQ(weft::io::read_all(f, 100), std::string("12345\0\0\0x", 9));
  });
}

TEST_F(io_file, reads_and_writes_several_buffers_at_once) {
  on_every_file_system([](const scratch_folder& folder) {
    file f = file::open(folder / "a", fresh);
    const std::array<std::string_view, 3> parts{"one ", "", "two"};
    EXPECT_EQ(f.write_some(parts), 7U);
    f.set_position(0);
    std::array<char, 3> first{};
    std::array<char, 10> second{};
    const std::array<std::span<char>, 2> into{std::span<char>(first), std::span<char>(second)};
    EXPECT_EQ(f.read_some(into), 7U);
    EXPECT_EQ(std::string_view(first.data(), 3), "one");
    EXPECT_EQ(std::string_view(second.data(), 4), " two");
  });
}

TEST_F(io_file, opens_as_it_is_told) {
  on_every_file_system([](const scratch_folder& folder) {
    const std::string path = folder / "a";
    const auto error_of = [&](open_mode mode) {
      std::error_code ec;
      const bool opened = file::open(path, mode, ec).is_open();
      EXPECT_EQ(opened, !ec);
      return ec;
    };
    EXPECT_EQ(error_of(open_mode::read), std::errc::no_such_file_or_directory);
    EXPECT_EQ(error_of(open_mode::write), std::errc::no_such_file_or_directory);
    EXPECT_FALSE(error_of(open_mode::write | open_mode::create | open_mode::owner_only));
    EXPECT_EQ(error_of(fresh), std::errc::file_exists);
    struct stat found {};
    ASSERT_EQ(::stat(path.c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 0777U, 0600U);
    file::open(path, open_mode::write).write(std::string_view("0123456789"));
    EXPECT_EQ(contents_of(path), "0123456789");
    file::open(path, open_mode::write).write(std::string_view("ab"));
    EXPECT_EQ(contents_of(path), "ab23456789");
    file::open(path, open_mode::append).write(std::string_view("!"));
    EXPECT_EQ(contents_of(path), "ab23456789!");
    EXPECT_FALSE(error_of(open_mode::write | open_mode::truncate));
    EXPECT_EQ(contents_of(path), "");
  });
}

TEST_F(io_file, says_what_is_wrong) {
  everywhere([] {
    const scratch_folder folder;
    std::error_code ec;
    EXPECT_THROW(file::open(folder / "none"), std::system_error);
    EXPECT_NE(weft_test::what_thrown<std::system_error>([&] {
                file::open(folder / "none");
              }).find("none"),
              std::string::npos);
    file::open(folder / "a/b", open_mode::write | open_mode::create, ec);
    EXPECT_EQ(ec, std::errc::no_such_file_or_directory);
    file::open(folder / "", open_mode::write, ec);
    EXPECT_EQ(ec, std::errc::is_a_directory);
    file::open(std::string("a\0b", 3), open_mode::read, ec);
    EXPECT_EQ(ec, std::errc::invalid_argument);

    file writer = file::open(folder / "a", open_mode::write | open_mode::create);
    std::array<char, 4> four{};
    EXPECT_EQ(writer.read_some(std::span(four), ec), 0U);
    EXPECT_EQ(ec, std::errc::bad_file_descriptor);
    file reader = file::open(folder / "a");
    EXPECT_EQ(reader.write(std::string_view("x"), ec), 0U);
    EXPECT_EQ(ec, std::errc::bad_file_descriptor);
    EXPECT_EQ(reader.read_at(std::uint64_t{1} << 63, std::span(four), ec), 0U);
    EXPECT_EQ(ec, std::errc::invalid_argument);
    reader.set_position(std::uint64_t{1} << 63, ec);
    EXPECT_EQ(ec, std::errc::invalid_argument);
    file directory = file::open(folder / "");
    EXPECT_EQ(directory.read_some(std::span(four), ec), 0U);
    EXPECT_EQ(ec, std::errc::is_a_directory);
    file full = file::open("/dev/full", open_mode::write);
    EXPECT_EQ(full.write(std::string_view("x"), ec), 0U);
    EXPECT_EQ(ec, std::errc::no_space_on_device);
    EXPECT_THROW(file(-1), std::system_error);
  });
}

TEST_F(io_file, that_is_closed_refuses) {
  everywhere([] {
    const scratch_folder folder;
    file f = file::open(folder / "a", fresh);
    file moved = std::move(f);
    moved.write(std::string_view("kept"));
    moved.close();
    EXPECT_FALSE(moved.is_open());
    EXPECT_EQ(moved.native_handle(), -1);
    EXPECT_THROW(moved.close(), std::system_error);
    file never;
    std::array<char, 4> four{};
    for (file* each : {&moved, &never, &f}) {
      const auto refuses = [](const std::error_code& ec) { EXPECT_EQ(ec, io_errc::closed); };
      std::error_code ec;
      each->read_some(std::span(four), ec), refuses(ec);
      each->read_at(0, std::span(four), ec), refuses(ec);
      each->read_some(std::span(four).first(0), ec), refuses(ec);
      each->write_some(std::string_view(""), ec), refuses(ec);
      each->write(std::string_view(""), ec), refuses(ec);
      each->write_some(std::string_view("x"), ec), refuses(ec);
      each->write_at(0, std::string_view("x"), ec), refuses(ec);
      each->write(std::string_view("x"), ec), refuses(ec);
      each->sync(ec), refuses(ec);
      each->size(ec), refuses(ec);
      each->position(ec), refuses(ec);
      each->set_position(0, ec), refuses(ec);
      each->close(ec), refuses(ec);
    }
    EXPECT_EQ(contents_of(folder / "a"), "kept");
  });
}

TEST_F(io_file, never_mixes_what_many_read_at_their_places) {
  on_every_file_system([](const scratch_folder& folder) {
    constexpr std::size_t block = 512;
    constexpr std::size_t blocks = 64;
    file f = file::open(folder / "a", fresh);
    {
      const weft::wait_group wg;
      for (std::size_t i = 0; i < blocks; ++i)
        wg.go([&f, i] {
          f.write_at((blocks - 1 - i) * block, std::string(block, static_cast<char>('0' + i)));
        });
      wg.wait();
    }
    EXPECT_EQ(f.size(), blocks * block);
    const weft::wait_group wg;
    for (std::size_t i = 0; i < blocks; ++i)
      wg.go([&f, i] {
        std::array<char, block> room{};
        for (int round = 0; round < 5; ++round) {
          f.read_at((blocks - 1 - i) * block, std::span(room));
          EXPECT_EQ(std::string(room.data(), block),
                    std::string(block, static_cast<char>('0' + i)));
          if (round == 2) f.sync_data();
        }
      });
    wg.wait();
  });
}

TEST_F(io_file, gives_every_byte_to_one_of_those_who_read_at_its_position) {
  on_every_file_system([](const scratch_folder& folder) {
    constexpr std::size_t records = 2000;
    file f = file::open(folder / "a", fresh);
    std::string all;
    for (std::size_t i = 0; i < records; ++i) {
      const std::string number = std::to_string(i);
      all += std::string(8 - number.size(), ' ') + number;
    }
    f.write(all);
    f.set_position(0);
    std::vector<weft::detail::atomic<int>> seen(records);
    const weft::wait_group wg;
    for (int i = 0; i < 8; ++i)
      wg.go([&] {
        std::array<char, 8> record{};
        std::error_code ec;
        while (f.read_some(std::span(record), ec) == 8)
          ++seen[std::stoul(std::string(record.data(), 8))];
        EXPECT_EQ(ec, io_errc::end_of_file);
      });
    wg.wait();
    for (const auto& count : seen) EXPECT_EQ(count.load(), 1);
  });
}

TEST_F(io_file, keeps_lines_whole_that_many_append) {
  on_every_file_system([](const scratch_folder& folder) {
    constexpr int writers = 20;
    constexpr int each = 20;
    file log = file::open(folder / "log", open_mode::append | open_mode::create);
    const weft::wait_group wg;
    for (int i = 0; i < writers; ++i)
      wg.go([&log, i] {
        const std::string line(static_cast<std::size_t>(i) + 1, static_cast<char>('a' + i));
        for (int k = 0; k < each; ++k) log.write(line + '\n');
      });
    wg.wait();
    file f = file::open(folder / "log");
    int count = 0;
    for (const std::string_view line : weft::io::lines(f)) {
      ++count;
      ASSERT_FALSE(line.empty());
      EXPECT_EQ(line.size(), static_cast<std::size_t>(line[0] - 'a') + 1);
      EXPECT_EQ(line.find_first_not_of(line[0]), std::string_view::npos);
    }
    EXPECT_EQ(count, writers * each);
  });
}

TEST_F(io_file, holds_up_nobody_else_while_it_waits) {
  // A pipe without a writer is a disk that takes for ever.
  for (const int procs : {1, 2}) {
    const weft_test::procs_scope scope(procs);
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe(ends.data()), 0);
    file reading(ends[0]);
    file writing(ends[1]);
    weft::run([&] {
      const weft::wait_group wg;
      wg.go([&] {
        std::array<char, 4> room{};
        EXPECT_EQ(reading.read_some(std::span(room)), 2U);
        EXPECT_EQ(std::string_view(room.data(), 2), "ok");
        std::error_code ec;
        EXPECT_EQ(reading.read_some(std::span(room), ec), 0U);
        EXPECT_EQ(ec, io_errc::end_of_file);
      });
      int turns = 0;
      wg.go([&] {
        for (; turns < 1000; ++turns) weft::yield();
        writing.write(std::string_view("ok"));
        weft_test::let_others_run();
        writing.close();
      });
      wg.wait();
      EXPECT_EQ(turns, 1000);
    });
  }
}

TEST_F(io_file, waits_in_more_goroutines_than_there_are_threads_to_be_had) {
  const weft_test::procs_scope scope(2);
  constexpr std::size_t count = 100;
  std::vector<std::array<file, 2>> pipes(count);
  for (auto& each : pipes) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe(ends.data()), 0);
    each = {file(ends[0]), file(ends[1])};
  }
  weft::run([&] {
    const weft::wait_group wg;
    for (auto& each : pipes)
      wg.go([&each] {
        char byte = 0;
        EXPECT_EQ(each[0].read_some(std::span(&byte, 1)), 1U);
        EXPECT_EQ(byte, 'x');
      });
    weft_test::let_others_run();
    for (auto& each : pipes) each[1].write(std::string_view("x"));
    wg.wait();
  });
}

TEST_F(io_file, gives_its_number_back_only_after_the_last_call) {
  const weft_test::procs_scope scope(2);
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  file reading(ends[0]);
  file writing(ends[1]);
  weft::run([&] {
    const weft::wait_group wg;
    wg.go([&] {
      char byte = 0;
      EXPECT_EQ(reading.read_some(std::span(&byte, 1)), 1U);
    });
    weft_test::let_others_run();
    reading.close();
    std::error_code ec;
    char byte = 0;
    EXPECT_EQ(reading.read_some(std::span(&byte, 1), ec), 0U);
    EXPECT_EQ(ec, io_errc::closed);
    const int other = ::dup(STDERR_FILENO);
    if (::fcntl(ends[0], F_GETFD) >= 0) {
      EXPECT_NE(other, ends[0]);
    }
    ::close(other);
    writing.write(std::string_view("x"));
    wg.wait();
  });
}

TEST_F(io_file, is_read_and_written_by_threads_and_goroutines_at_the_same_time) {
  const scratch_folder folder;
  file f = file::open(folder / "a", fresh);
  const weft_test::procs_scope scope(2);
  const auto work = [&f](std::uint64_t place) {
    std::array<char, 8> room{};
    for (int i = 0; i < 50; ++i) {
      const std::string text = std::to_string(1'000'000 + i) + '!';
      f.write_at(place * 8, text);
      f.read_at(place * 8, std::span(room));
      EXPECT_EQ(std::string_view(room.data(), 8), text);
    }
  };
  const weft::wait_group wg;
  for (std::uint64_t i = 0; i < 8; ++i) wg.go([&work, i] { work(i); });
  std::thread other([&] { work(8); });
  work(9);
  other.join();
  wg.wait();
}

}  // namespace
