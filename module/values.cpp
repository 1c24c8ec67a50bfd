#include "module/values.hpp"

#include "module/codec.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace iom::ws {

namespace {

/// As short as a person would write it.
std::string number(double value) {
    std::array<char, 40> text{};
    const int size = std::snprintf(text.data(), text.size(), "%.10g", value);
    return {text.data(), static_cast<std::size_t>(size)};
}

bool right_kind(ids::type wanted, std::uint32_t given) {
    switch (wanted) {
    case ids::type::boolean:
        return given == IOM_BOOL;
    case ids::type::integer:
        return given == IOM_INT;
    case ids::type::real:
        return given == IOM_REAL || given == IOM_INT;
    case ids::type::text:
    case ids::type::choice:
    case ids::type::secret:
    case ids::type::file:
        return given == IOM_TEXT;
    case ids::type::match:
        return given == IOM_MATCH;
    case ids::type::steps:
        return given == IOM_TEXT || given == IOM_BYTES || given == IOM_MATCH;
    case ids::type::data:
        return given == IOM_TEXT || given == IOM_BYTES;
    }
    return false;
}

std::string_view name_of(ids::type wanted) {
    switch (wanted) {
    case ids::type::boolean:
        return "true or false";
    case ids::type::integer:
        return "a whole number";
    case ids::type::real:
        return "a number";
    case ids::type::text:
    case ids::type::choice:
    case ids::type::secret:
    case ids::type::file:
        return "a text";
    case ids::type::match:
        return "a match";
    case ids::type::steps:
        return "a message to send or a match to await";
    case ids::type::data:
        return "a text or bytes";
    }
    return "";
}

std::string range_of(const ids::row& what) {
    if (std::isinf(what.max)) {
        return "at least " + number(what.min);
    }
    if (std::isinf(what.min)) {
        return "at most " + number(what.max);
    }
    return number(what.min) + " to " + number(what.max);
}

} // namespace

std::string judge_value(const ids::row& what, const iom_value& value) {
    const std::string label(what.label);
    if (!right_kind(what.kind, value.kind)) {
        return label + ": it takes " + std::string(name_of(what.kind)) + ", not a value of another kind.";
    }
    if (what.kind == ids::type::integer || what.kind == ids::type::real) {
        const double given = value.kind == IOM_INT ? static_cast<double>(value.as.integer) : value.as.real;
        if (!std::isfinite(given) || given < what.min || given > what.max) {
            return label + ": it takes " + range_of(what) + ", not " + number(given) + '.';
        }
    }
    if (value.kind == IOM_TEXT && what.kind != ids::type::steps) {
        const auto size = static_cast<double>(value.as.text.size);
        if (size < what.min || size > what.max) {
            return label + ": it takes " + range_of(what) + " bytes, not " + number(size) + '.';
        }
    }
    return {};
}

std::string judge_values(std::span<const ids::row> rows, std::span<const iom_value> values) {
    std::uint64_t seen = 0; // a bit per row
    for (const iom_value& value : values) {
        const auto row =
            std::find_if(rows.begin(), rows.end(), [&](const ids::row& r) { return r.number == value.id; });
        if (row == rows.end()) {
            return "A value has the number " + std::to_string(value.id) +
                   ", which this module does not know. Use the manifest that came with it.";
        }
        if (std::string wrong = judge_value(*row, value); !wrong.empty()) {
            return wrong;
        }
        const std::uint64_t bit = std::uint64_t{1} << static_cast<unsigned>(std::distance(rows.begin(), row));
        if ((seen & bit) != 0 && !row->list && row->kind != ids::type::steps) {
            return std::string(row->label) + ": it is given twice. Take one out.";
        }
        seen |= bit;
    }
    for (std::size_t index = 0; index < rows.size(); ++index) {
        if (rows[index].required && (seen >> index & 1U) == 0) {
            return std::string(rows[index].label) + ": it is missing. Set it.";
        }
    }
    return {};
}

const iom_value* find_value(std::span<const iom_value> values, std::uint32_t id) {
    const auto found =
        std::find_if(values.begin(), values.end(), [id](const iom_value& v) { return v.id == id; });
    return found == values.end() ? nullptr : &*found;
}

std::string_view bytes_of(const iom_value& value) {
    if (value.kind == IOM_TEXT && value.as.text.size > 0) {
        return {value.as.text.data, value.as.text.size};
    }
    if (value.kind == IOM_BYTES && value.as.bytes.size > 0) {
        return {reinterpret_cast<const char*>(value.as.bytes.data), value.as.bytes.size};
    }
    return {};
}

iom_text as_text(std::string_view text) {
    return {text.data(), text.size()};
}

iom_value text_value(std::uint32_t id, std::string_view text) {
    iom_value value{};
    value.id = id;
    value.kind = IOM_TEXT;
    value.as.text = as_text(text);
    return value;
}

iom_value bool_value(std::uint32_t id, bool given) {
    iom_value value{};
    value.id = id;
    value.kind = IOM_BOOL;
    value.as.boolean = given ? 1 : 0;
    return value;
}

iom_value int_value(std::uint32_t id, std::int64_t given) {
    iom_value value{};
    value.id = id;
    value.kind = IOM_INT;
    value.as.integer = given;
    return value;
}

iom_value real_value(std::uint32_t id, double given) {
    iom_value value{};
    value.id = id;
    value.kind = IOM_REAL;
    value.as.real = given;
    return value;
}

iom_value message_value(std::uint32_t id, std::string_view message, bool binary) {
    iom_value value = text_value(id, message);
    if (binary) {
        value.kind = IOM_BYTES;
        value.as.bytes = {reinterpret_cast<const std::uint8_t*>(message.data()), message.size()};
    }
    return value;
}

} // namespace iom::ws
