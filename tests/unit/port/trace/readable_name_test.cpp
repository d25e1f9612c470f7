// Names for people: no return type, no template noise, never long.
#include "port/trace/readable_name.hpp"

#include <string>

#include "unit_support.hpp"

namespace {

std::string readable(std::string_view demangled) {
  weft::detail::name_room room;
  return std::string(weft::detail::readable_name(demangled, room));
}

TEST(readable_name, of_a_plain_function_is_itself) {
  for (const char* name :
       {"main", "f()", "app::parser::next(int)", "(anonymous namespace)::f(int, char const*)",
        "main::{lambda()#1}::operator()() const", "app::x::operator bool() const", "_start",
        "f(int)::{lambda(int)#1}::operator()(int) const", "app::operator<(app::x, app::x)",
        "app::x::operator()(int)", "app::x::operator->() const", "operator new(unsigned long)",
        "app::x::~x()", "app::f(void (*)(int))"})
    EXPECT_EQ(readable(name), name);
}

TEST(readable_name, has_no_return_type) {
  EXPECT_EQ(readable("void app::f<int>(int)"), "app::f<int>(int)");
  EXPECT_EQ(readable("std::vector<int, std::allocator<int> > app::g<int>()"), "app::g<int>()");
  EXPECT_EQ(readable("decltype(auto) (anonymous namespace)::f<int>(int)"),
            "(anonymous namespace)::f<int>(int)");
  EXPECT_EQ(readable("unsigned long const& app::h<int>(int const&)"), "app::h<int>(int const&)");
  EXPECT_EQ(readable("bool operator< <int>(app::x<int> const&)"),
            "operator< <int>(app::x<int> const&)");
}

TEST(readable_name, has_no_word_about_clones) {
  EXPECT_EQ(readable("app::f(int) [clone .cold]"), "app::f(int)");
  EXPECT_EQ(readable("app::f(int) [clone .isra.0] [clone .part.1]"), "app::f(int)");
}

TEST(readable_name, calls_a_string_a_string) {
  EXPECT_EQ(readable("app::f(std::__cxx11::basic_string<char, std::char_traits<char>, "
                     "std::allocator<char> > const&, std::__cxx11::basic_string<char, "
                     "std::char_traits<char>, std::allocator<char> >)"),
            "app::f(std::string const&, std::string)");
}

TEST(readable_name, cuts_the_innermost_template_arguments_first) {
  const std::string deep(60, 'x');
  EXPECT_EQ(readable("void f<a<b<c<" + deep + deep + deep + "> > > >(int)"), "f<a<b<...> > >(int)");
  EXPECT_EQ(readable("void f<a<" + deep + deep + deep + "> >(int)"), "f<a<...> >(int)");
  EXPECT_EQ(readable("void f<" + deep + deep + deep + ">(int)"), "f<...>(int)");
}

TEST(readable_name, then_the_parameters_then_the_end) {
  const std::string longer(200, 'y');
  EXPECT_EQ(readable("app::f(" + longer + ")"), "app::f(...)");
  EXPECT_EQ(readable("app::" + longer + "(int)").size(), weft::detail::readable_name_max);
  EXPECT_EQ(readable(longer), longer.substr(0, weft::detail::readable_name_max));
}

TEST(readable_name, of_nonsense_is_no_harm) {
  unit::sequence random(1);
  constexpr std::string_view letters = "<>(){}[]: ,operator*&ab";
  for (int round = 0; round < 20'000; ++round) {
    std::string name;
    for (int i = unit::below(random, 300); i > 0; --i)
      name +=
          letters[static_cast<std::size_t>(unit::below(random, static_cast<int>(letters.size())))];
    EXPECT_LE(readable(name).size(), weft::detail::readable_name_max);
  }
  EXPECT_LE(readable(std::string(100'000, '<')).size(), weft::detail::readable_name_max);
}

TEST(is_internal_name, knows_its_own_works_from_what_users_call) {
  using weft::detail::is_internal_name;
  EXPECT_TRUE(is_internal_name("weft::detail::goroutine_main(void*)"));
  EXPECT_TRUE(is_internal_name("std::__invoke_impl<void, f>(f&&)"));
  EXPECT_TRUE(is_internal_name("clone3"));
  EXPECT_FALSE(is_internal_name("weft::chan<int>::recv() const"));
  EXPECT_FALSE(is_internal_name("app::f(weft::detail::x)"));
  EXPECT_FALSE(is_internal_name("std::thread::join()"));
}

}  // namespace
