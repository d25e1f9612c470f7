// What people and the server say, as text: names that may be shown, JSON messages.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace chat {

/// A message, made once and sent to everybody.
using text = std::shared_ptr<const std::string>;

/// A name of a person or a room, without white space around it. None: it is not UTF-8, empty,
/// longer than 32 characters, or holds what would disturb those who see it: control characters, and
/// those that change the direction of the text around them.
std::optional<std::string> checked_name(std::string_view name);

/// What a query has under a key: "/chat?room=a%20b": "a b". None: nothing, or it is malformed.
std::optional<std::string> query_value(std::string_view target, std::string_view key);

/// The first message to somebody: who they are, who is there, what was said before.
text welcome(std::string_view room, std::string_view name,
             const std::vector<std::string_view>& people, const std::deque<text>& history);
/// Somebody has come or gone; `people`: how many are there now.
text joined(std::string_view name, std::size_t people);
text left(std::string_view name, std::size_t people);
/// `what` must be UTF-8.
text said(std::string_view name, std::string_view what);

}  // namespace chat
