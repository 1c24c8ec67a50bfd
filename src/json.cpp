#include "json.hpp"

#include "utf8.hpp"

#include <array>

namespace iom::host {

namespace {

/// Bytes that stand for themselves inside a string.
constexpr auto plain_bytes = [] {
    std::array<bool, 256> made{};
    for (std::size_t byte = 0x20; byte < made.size(); ++byte)
        made[byte] = byte != '"' && byte != '\\';
    return made;
}();

constexpr bool is_plain(char c) {
    return plain_bytes[static_cast<unsigned char>(c)];
}

constexpr bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

int hex_digit(char c) {
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/// The four hexadecimal digits at the front, or -1.
int four_digits(std::string_view text) {
    if (text.size() < 4)
        return -1;
    int code = 0;
    for (const char c : text.substr(0, 4)) {
        const int digit = hex_digit(c);
        if (digit < 0)
            return -1;
        code = code * 16 + digit;
    }
    return code;
}

} // namespace

bool json_document::parse(std::string_view text) {
    // One large message must not hold its memory for ever.
    if (nodes_.capacity() > kept_nodes && text.size() < kept_nodes) {
        nodes_ = {};
        decoded_ = {};
    }
    nodes_.clear();
    decoded_.clear();
    // A decoded string is never longer than its source, so views into this never move.
    if (text.find('\\') != text.npos)
        decoded_.reserve(text.size());
    text_ = text;
    at_ = 0;
    space();
    if (value(0)) {
        space();
        if (at_ == text_.size())
            return true;
    }
    nodes_.clear();
    nodes_.emplace_back();
    return false;
}

void json_document::space() {
    while (at_ < text_.size()) {
        const char c = text_[at_];
        if (c != ' ' && c != '\t' && c != '\n' && c != '\r')
            return;
        ++at_;
    }
}

bool json_document::word(std::string_view expected) {
    if (!text_.substr(at_).starts_with(expected))
        return false;
    at_ += expected.size();
    return true;
}

bool json_document::number() {
    const auto digits = [&] {
        const auto from = at_;
        while (at_ < text_.size() && is_digit(text_[at_]))
            ++at_;
        return at_ > from;
    };
    if (text_[at_] == '-')
        ++at_;
    if (at_ < text_.size() && text_[at_] == '0')
        ++at_;
    else if (!digits())
        return false;
    if (at_ < text_.size() && text_[at_] == '.') {
        ++at_;
        if (!digits())
            return false;
    }
    if (at_ < text_.size() && (text_[at_] == 'e' || text_[at_] == 'E')) {
        ++at_;
        if (at_ < text_.size() && (text_[at_] == '+' || text_[at_] == '-'))
            ++at_;
        if (!digits())
            return false;
    }
    return true;
}

bool json_document::string(std::string_view& decoded) {
    if (at_ >= text_.size() || text_[at_] != '"')
        return false;
    const auto begin = ++at_;
    while (at_ < text_.size() && is_plain(text_[at_]))
        ++at_;
    if (at_ >= text_.size() || static_cast<unsigned char>(text_[at_]) < 0x20)
        return false;
    if (text_[at_] == '"') {
        decoded = text_.substr(begin, at_ - begin);
        ++at_;
        return true;
    }

    const auto start = decoded_.size();
    decoded_.append(text_, begin, at_ - begin);
    while (at_ < text_.size()) {
        const char c = text_[at_++];
        if (c == '"') {
            decoded = std::string_view{decoded_}.substr(start);
            return true;
        }
        if (static_cast<unsigned char>(c) < 0x20)
            return false;
        if (c != '\\') {
            decoded_ += c;
            continue;
        }
        if (at_ >= text_.size())
            return false;
        switch (text_[at_++]) {
        case '"':
            decoded_ += '"';
            break;
        case '\\':
            decoded_ += '\\';
            break;
        case '/':
            decoded_ += '/';
            break;
        case 'b':
            decoded_ += '\b';
            break;
        case 'f':
            decoded_ += '\f';
            break;
        case 'n':
            decoded_ += '\n';
            break;
        case 'r':
            decoded_ += '\r';
            break;
        case 't':
            decoded_ += '\t';
            break;
        case 'u': {
            const int first = four_digits(text_.substr(at_));
            if (first < 0)
                return false;
            at_ += 4;
            auto code = static_cast<unsigned>(first);
            if (code >= 0xd800 && code < 0xdc00 && text_.substr(at_).starts_with("\\u")) {
                const int second = four_digits(text_.substr(at_ + 2));
                if (second >= 0xdc00 && second < 0xe000) {
                    code = 0x10000 + ((code - 0xd800) << 10) + (static_cast<unsigned>(second) - 0xdc00);
                    at_ += 6;
                }
            }
            // Half a surrogate pair is no character: it becomes the replacement character.
            append_utf8(code >= 0xd800 && code < 0xe000 ? 0xfffd : code, decoded_);
            break;
        }
        default:
            return false;
        }
    }
    return false;
}

bool json_document::value(int depth) {
    if (depth > max_depth || at_ >= text_.size() || nodes_.size() >= max_nodes)
        return false;
    const auto index = nodes_.size();
    nodes_.emplace_back();
    const auto begin = at_;
    json_kind kind = json_kind::null;
    bool truth = false;
    std::string_view decoded;

    switch (text_[at_]) {
    case '{':
    case '[': {
        kind = text_[at_] == '{' ? json_kind::object : json_kind::array;
        const char close = kind == json_kind::object ? '}' : ']';
        ++at_;
        space();
        if (at_ < text_.size() && text_[at_] == close) {
            ++at_;
            break;
        }
        for (;;) {
            std::string_view key;
            if (kind == json_kind::object) {
                if (!string(key))
                    return false;
                space();
                if (at_ >= text_.size() || text_[at_] != ':')
                    return false;
                ++at_;
                space();
            }
            const auto child = nodes_.size();
            if (!value(depth + 1))
                return false;
            nodes_[child].key = key;
            space();
            if (at_ >= text_.size())
                return false;
            const char next = text_[at_++];
            if (next == close)
                break;
            if (next != ',')
                return false;
            space();
        }
        break;
    }
    case '"':
        kind = json_kind::string;
        if (!string(decoded))
            return false;
        break;
    case 't':
        kind = json_kind::boolean;
        truth = true;
        if (!word("true"))
            return false;
        break;
    case 'f':
        kind = json_kind::boolean;
        if (!word("false"))
            return false;
        break;
    case 'n':
        if (!word("null"))
            return false;
        break;
    default:
        kind = json_kind::number;
        if (!number())
            return false;
    }

    auto& made = nodes_[index];
    made.kind = kind;
    made.truth = truth;
    made.end = static_cast<std::uint32_t>(nodes_.size());
    made.source = text_.substr(begin, at_ - begin);
    made.text = kind == json_kind::string ? decoded : made.source;
    return true;
}

const json_document::node* json_document::find(const std::vector<std::string>& tokens) const {
    std::size_t at = 0;
    for (const auto& token : tokens) {
        const auto& here = nodes_[at];
        std::size_t found = 0;
        if (here.kind == json_kind::object) {
            for (auto child = at + 1; child < here.end; child = nodes_[child].end)
                if (nodes_[child].key == token)
                    found = child;
        } else if (here.kind == json_kind::array) {
            // RFC 6901 §4: decimal digits, no leading zero. "-" names the element behind the last: none.
            if (token.empty() || token.size() > 9 || (token.size() > 1 && token.front() == '0'))
                return nullptr;
            std::size_t wanted = 0;
            for (const char c : token) {
                if (!is_digit(c))
                    return nullptr;
                wanted = wanted * 10 + static_cast<std::size_t>(c - '0');
            }
            auto child = at + 1;
            while (child < here.end && wanted > 0) {
                child = nodes_[child].end;
                --wanted;
            }
            if (child < here.end)
                found = child;
        }
        if (found == 0)
            return nullptr;
        at = found;
    }
    return &nodes_[at];
}

bool split_pointer(std::string_view pointer, std::vector<std::string>& tokens) {
    tokens.clear();
    if (pointer.empty())
        return true;
    if (pointer.front() != '/')
        return false;
    for (std::size_t at = 0; at < pointer.size(); ++at) {
        const char c = pointer[at];
        if (c == '/') {
            tokens.emplace_back();
        } else if (c == '~') {
            ++at;
            if (at >= pointer.size() || (pointer[at] != '0' && pointer[at] != '1'))
                return false;
            tokens.back() += pointer[at] == '0' ? '~' : '/';
        } else {
            tokens.back() += c;
        }
    }
    return true;
}

void append_json_escaped(std::string_view text, std::string& out) {
    for (const char c : text) {
        switch (c) {
        case '"':
            out += "\\\"";
            break;
        case '\\':
            out += "\\\\";
            break;
        case '\b':
            out += "\\b";
            break;
        case '\f':
            out += "\\f";
            break;
        case '\n':
            out += "\\n";
            break;
        case '\r':
            out += "\\r";
            break;
        case '\t':
            out += "\\t";
            break;
        default:
            if (static_cast<unsigned char>(c) < 0x20) {
                static constexpr char digits[] = "0123456789abcdef";
                out += "\\u00";
                out += digits[static_cast<unsigned char>(c) >> 4];
                out += digits[static_cast<unsigned char>(c) & 15];
            } else {
                out += c;
            }
        }
    }
}

} // namespace iom::host
