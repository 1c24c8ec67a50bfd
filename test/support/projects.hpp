#pragma once

#include "support/process.hpp"

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Pieces of project files, for tests that run the host, and what its log says of them.
namespace iom::test::xml {

/// Text between tags or quotes.
std::string escaped(std::string_view text);

/// <set name="…">…</set>; `value` is escaped.
std::string set(std::string_view name, std::string_view value);
/// The same with elements inside: items, steps, a match.
std::string set_raw(std::string_view name, std::string_view content);

/// An instance of websocket-client at 127.0.0.1, or where a hostname among `settings` says, with retries
/// within a fifth of a second unless `settings` give others.
std::string instance(std::string_view name, std::uint16_t port, std::string_view path,
                     std::string_view settings = {});

/// <do action="…"> with arguments, escaped.
std::string act(std::string_view action,
                std::initializer_list<std::pair<std::string_view, std::string_view>> arguments = {});
/// <do action="host/log">.
std::string log(std::string_view message);

/// A rule with a name of its own; `match` and `when` are XML.
std::string rule(std::string_view trigger, std::string_view actions, std::string_view match = {},
                 std::string_view when = {});

/// Rules by which an instance called "button" at path /button lets a test act: what the far end posts to it
/// as `word` does `actions`.
std::string button(std::string_view word, std::string_view actions);

std::string project(std::string_view content);

/// The messages of the log so far that begin with `start`, in order, without it.
std::vector<std::string> logged(const process& host, std::string_view start);

} // namespace iom::test::xml
