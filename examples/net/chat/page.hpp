// The chat's page: chat/page.html, put into the program when it is built.
#pragma once

#include <string_view>

namespace chat {

extern const std::string_view page;

}  // namespace chat
