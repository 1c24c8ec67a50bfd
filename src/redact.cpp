#include "redact.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <mutex>

namespace iom::host {
namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";
constexpr std::string_view upper_digits = "0123456789ABCDEF";
constexpr std::string_view base64_digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Below this, an encoded form would be found by chance in what has nothing to do with the secret.
constexpr std::size_t shortest_encoded = 4;

std::string as_hex(std::string_view value, std::string_view digits) {
    std::string out;
    for (const char each : value) {
        const auto byte = static_cast<unsigned char>(each);
        out += digits[byte >> 4U];
        out += digits[byte & 15U];
    }
    return out;
}

std::string as_json(std::string_view value) {
    std::string out;
    for (const char each : value) {
        const auto byte = static_cast<unsigned char>(each);
        if (each == '"' || each == '\\') {
            out += '\\';
            out += each;
        } else if (each == '\n') {
            out += "\\n";
        } else if (each == '\t') {
            out += "\\t";
        } else if (each == '\r') {
            out += "\\r";
        } else if (byte < 0x20U) {
            out += "\\u00";
            out += hex_digits[byte >> 4U];
            out += hex_digits[byte & 15U];
        } else {
            out += each;
        }
    }
    return out;
}

/// As modules write text into a line of the log: control characters as \xNN, backslashes doubled.
std::string as_log(std::string_view value) {
    std::string out;
    for (const char each : value) {
        const auto byte = static_cast<unsigned char>(each);
        if (byte < 0x20U || byte == 0x7FU) {
            out += "\\x";
            out += hex_digits[byte >> 4U];
            out += hex_digits[byte & 15U];
        } else {
            out += each == '\\' ? "\\\\" : std::string(1, each);
        }
    }
    return out;
}

std::string as_url(std::string_view value) {
    std::string out;
    for (const char each : value) {
        const auto byte = static_cast<unsigned char>(each);
        const bool plain = (each >= 'a' && each <= 'z') || (each >= 'A' && each <= 'Z') ||
                           (each >= '0' && each <= '9') || each == '-' || each == '_' || each == '.' ||
                           each == '~';
        if (plain) {
            out += each;
        } else {
            out += '%';
            out += upper_digits[byte >> 4U];
            out += upper_digits[byte & 15U];
        }
    }
    return out;
}

/// The Base64 digits that depend on the value alone where it stands `offset` bytes into what is encoded, as
/// the password in `user:password` does.
std::string as_base64_at(std::string_view value, std::size_t offset) {
    std::string padded(offset, '\0');
    padded += value;
    const std::size_t whole_bits = padded.size() * 8;
    std::string out;
    for (std::size_t bit = 0; bit + 6 <= whole_bits; bit += 6) {
        if (bit < offset * 8) {
            continue;
        }
        std::uint32_t window = static_cast<std::uint32_t>(static_cast<unsigned char>(padded[bit / 8])) << 8U;
        if (bit / 8 + 1 < padded.size()) {
            window |= static_cast<unsigned char>(padded[bit / 8 + 1]);
        }
        out += base64_digits[(window >> (10U - bit % 8)) & 63U];
    }
    return out;
}

void replace_all(std::string& text, const std::string& form) {
    for (std::size_t at = text.find(form); at != std::string::npos;
         at = text.find(form, at + redactor::mark.size())) {
        text.replace(at, form.size(), redactor::mark);
    }
}

} // namespace

void redactor::add(std::string_view value, stay how) {
    if (value.empty() ||
        (how == stay::passing && (value.size() < shortest_passing || value.size() > longest_passing))) {
        return;
    }
    const std::unique_lock lock(mutex_);
    const auto known =
        std::find_if(secrets_.begin(), secrets_.end(), [&](const secret& one) { return one.value == value; });
    if (known != secrets_.end()) {
        known->added = ++additions_;
        known->how = std::min(known->how, how); // the longest stay that was asked for
        return;
    }
    insert(value, how);
    forget_too_many(how);
    any_.store(true, std::memory_order_release);
}

redactor::secret& redactor::insert(std::string_view value, stay how) {
    secret added{.value = std::string(value), .forms = {std::string(value)}, .how = how};
    if (value.size() >= shortest_encoded) {
        for (std::string form : {as_json(value), as_log(value), as_url(value), as_hex(value, hex_digits),
                                 as_hex(value, upper_digits), as_base64_at(value, 0), as_base64_at(value, 1),
                                 as_base64_at(value, 2)}) {
            if (std::find(added.forms.begin(), added.forms.end(), form) == added.forms.end()) {
                added.forms.push_back(std::move(form));
            }
        }
        std::sort(added.forms.begin(), added.forms.end(),
                  [](const std::string& a, const std::string& b) { return a.size() > b.size(); });
    }
    // Longest first, so that a secret within a longer one does not leave the rest of that one standing.
    const auto place = std::find_if(secrets_.begin(), secrets_.end(),
                                    [&](const secret& one) { return one.value.size() < value.size(); });
    added.added = ++additions_;
    return *secrets_.insert(place, std::move(added));
}

void redactor::hold(std::string_view value) {
    const std::unique_lock lock(mutex_);
    const auto known =
        std::find_if(secrets_.begin(), secrets_.end(), [&](const secret& one) { return one.value == value; });
    ++(known != secrets_.end() ? *known : insert(value, stay::held)).holders;
    any_.store(true, std::memory_order_release);
}

void redactor::release(std::string_view value) {
    const std::unique_lock lock(mutex_);
    const auto known =
        std::find_if(secrets_.begin(), secrets_.end(), [&](const secret& one) { return one.value == value; });
    if (known != secrets_.end() && --known->holders == 0 && known->how == stay::held) {
        secrets_.erase(known);
    }
}

held_secrets::~held_secrets() {
    for (const std::string& each : values_) {
        known_.release(each);
    }
}

void held_secrets::add(std::string_view value) {
    if (!value.empty()) {
        values_.emplace_back(value);
        known_.hold(value);
    }
}

void redactor::forget_too_many(stay how) {
    if (how == stay::lasting || how == stay::held) {
        return;
    }
    // Each is kept in up to nine forms. A secrets file, of 1 MiB at most, has room among the rotating ones.
    const std::size_t most = how == stay::rotating ? 4096 : 256;
    const std::size_t most_bytes = how == stay::rotating ? std::size_t{4} << 20U : std::size_t{256} << 10U;
    for (;;) {
        std::size_t count = 0;
        std::size_t bytes = 0;
        auto oldest = secrets_.end();
        for (auto one = secrets_.begin(); one != secrets_.end(); ++one) {
            if (one->how == how) {
                ++count;
                bytes += one->value.size();
                if (oldest == secrets_.end() || one->added < oldest->added) {
                    oldest = one;
                }
            }
        }
        if (count <= 1 || (count <= most && bytes <= most_bytes)) {
            return;
        }
        if (oldest->holders != 0) {
            oldest->how = stay::held;
        } else {
            secrets_.erase(oldest);
        }
    }
}

std::string redactor::redact(std::string_view text) const {
    std::string out(text);
    redact_in(out);
    return out;
}

std::string redactor::redact_cut(std::string_view text) const {
    std::string out = redact(text);
    if (!any_.load(std::memory_order_acquire)) {
        return out;
    }
    const std::shared_lock lock(mutex_);
    std::size_t left = out.size() - std::min(out.size(), longest_part());
    // Not in the middle of a character.
    while (left > 0 && left < out.size() && (static_cast<unsigned char>(out[left]) & 0xC0U) == 0x80U) {
        --left;
    }
    out.resize(left);
    return out;
}

std::size_t redactor::longest_part() const {
    std::size_t longest = 1;
    bool grows = false; // what was replaced in such a part has made it longer
    for (const secret& known : secrets_) {
        for (const std::string& form : known.forms) {
            longest = std::max(longest, form.size());
            grows = grows || form.size() < mark.size();
        }
    }
    return (longest - 1) * (grows ? mark.size() : 1);
}

void redactor::redact_in(std::string& text) const {
    if (!any_.load(std::memory_order_acquire)) {
        return;
    }
    const std::shared_lock lock(mutex_);
    for (const secret& known : secrets_) {
        for (const std::string& form : known.forms) {
            replace_all(text, form);
        }
    }
}

std::string too_long_secret(std::string_view argument, std::size_t bytes) {
    return std::string(argument) + " has " + std::to_string(bytes) + " bytes, and a secret has at most " +
           std::to_string(redactor::longest_passing) + ". Send so much as a message instead.";
}

} // namespace iom::host
