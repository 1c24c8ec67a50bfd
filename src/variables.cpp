#include "variables.hpp"

#include "manifest/manifest.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

namespace iom::host {

namespace {

constexpr std::string_view type_words[] = {"bool", "int", "real", "text"};

std::string refusal(const variable_declaration& declared, value_view what) {
    return in_quotes(to_text(what)) + " is no " + std::string{to_word(declared.type)} +
           ", and that is what the variable " + in_quotes(declared.name) +
           " holds. Set it to another value, or declare it as text.";
}

/// Whether a double is a whole number that an int64 can hold.
bool is_whole(double number) {
    return number >= -0x1p63 && number < 0x1p63 && !(std::trunc(number) < number) &&
           !(number < std::trunc(number));
}

} // namespace

std::optional<variable_type> variable_type_of(std::string_view word) noexcept {
    const auto* found = std::find(std::begin(type_words), std::end(type_words), word);
    if (found == std::end(type_words))
        return std::nullopt;
    return static_cast<variable_type>(found - std::begin(type_words));
}

std::string_view to_word(variable_type type) noexcept {
    // Sentences are read by people in a form as well, where nobody has written "int".
    static constexpr std::string_view words[] = {"truth value (true or false)", "whole number", "number",
                                                 "text"};
    return words[static_cast<std::size_t>(type)];
}

bool convert(value_view from, variable_type type, value& to) {
    switch (type) {
    case variable_type::boolean:
        if (from.kind == value_kind::boolean) {
            to.assign(from);
            return true;
        }
        if (from.kind == value_kind::text) {
            if (const auto written = manifest::read_boolean(from.text)) {
                to.assign(value_view::of(*written));
                return true;
            }
        }
        return false;
    case variable_type::integer:
        if (const auto number = number_of(from)) {
            if (!number->whole && !is_whole(number->real))
                return false;
            to.assign(
                value_view::of(number->whole ? number->integer : static_cast<std::int64_t>(number->real)));
            return true;
        }
        return false;
    case variable_type::real:
        if (const auto number = number_of(from); number && std::isfinite(number->real)) {
            to.assign(value_view::of(number->real));
            return true;
        }
        return false;
    case variable_type::text:
        if (from.kind == value_kind::text)
            to.assign(from);
        else
            to.assign(value_view::of(std::string_view{to_text(from)}));
        return true;
    }
    return false;
}

variables::variables(std::vector<variable_declaration> declared) : declared_(std::move(declared)) {
    for (const auto& one : declared_)
        current_.push_back(one.initial);
}

bool variables::set(std::uint32_t which, value_view to, std::string& why) {
    if (convert(to, declared_[which].type, current_[which]))
        return true;
    why = refusal(declared_[which], to);
    return false;
}

bool variables::add(std::uint32_t which, value_view amount, std::string& why) {
    const auto& declared = declared_[which];
    auto& current = current_[which];
    value step;
    if (!convert(amount, declared.type, step)) {
        why = refusal(declared, amount);
        return false;
    }
    switch (declared.type) {
    case variable_type::boolean:
        why = "The variable " + in_quotes(declared.name) +
              " is a bool, to which nothing can be added. Use host/set.";
        return false;
    case variable_type::integer: {
        std::int64_t sum = 0;
        if (__builtin_add_overflow(current.integer, step.integer, &sum)) {
            why = "The variable " + in_quotes(declared.name) +
                  " would go beyond what an int can hold. It keeps its value; "
                  "set it back with host/set in time.";
            return false;
        }
        current.integer = sum;
        return true;
    }
    case variable_type::real: {
        const auto sum = current.real + step.real;
        if (!std::isfinite(sum)) {
            why = "The variable " + in_quotes(declared.name) +
                  " would go beyond what a real can hold. It keeps its value; "
                  "set it back with host/set in time.";
            return false;
        }
        current.real = sum;
        return true;
    }
    case variable_type::text:
        if (current.text.size() + step.text.size() > longest_text) {
            why = "The variable " + in_quotes(declared.name) + " would grow beyond " +
                  std::to_string(longest_text) +
                  " bytes. It keeps its value; empty it with host/set in time.";
            return false;
        }
        current.text += step.text;
        return true;
    }
    return false;
}

void variables::adopt(const variables& before) {
    for (std::size_t here = 0; here < declared_.size(); ++here)
        for (std::size_t there = 0; there < before.declared_.size(); ++there)
            if (declared_[here].name == before.declared_[there].name &&
                declared_[here].type == before.declared_[there].type)
                current_[here] = before.current_[there];
}

std::uint32_t symbol_table::intern(std::string_view name) {
    if (const auto known = numbers_.find(name); known != numbers_.end())
        return known->second;
    const auto number = static_cast<std::uint32_t>(names_.size());
    names_.emplace_back(name);
    numbers_.emplace(name, number);
    return number;
}

void session_values::begin() {
    values_.clear();
    seq_ = 0;
}

void session_values::set(std::uint32_t symbol, value_view to) {
    for (auto& [known, what] : values_) {
        if (known == symbol) {
            what.assign(to);
            return;
        }
    }
    values_.emplace_back(symbol, value{to});
}

std::optional<value_view> session_values::find(std::uint32_t symbol) const noexcept {
    for (const auto& [known, what] : values_)
        if (known == symbol)
            return what.view();
    return std::nullopt;
}

std::string not_captured(std::string_view name) {
    return "session/" + std::string{name} +
           " has no value: nothing in this session has captured it yet. Use it "
           "once the match that names it has held.";
}

} // namespace iom::host
