#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace iom::host {

enum class json_kind : std::uint8_t { null, boolean, number, string, array, object };

/// A JSON text (RFC 8259, strictly), parsed for looking things up in it. Parsing again reuses the memory of
/// the time before, so that a steady stream of messages allocates nothing.
class json_document {
public:
    /// Deeper nesting and more values than these are refused, as if it were no JSON.
    static constexpr int max_depth = 256;
    static constexpr std::size_t max_nodes = std::size_t{1} << 20;

    struct node {
        json_kind kind = json_kind::null;
        bool truth = false;      ///< of a boolean
        std::uint32_t end = 0;   ///< index behind the last node inside this one
        std::string_view key;    ///< in an object, decoded
        std::string_view source; ///< as it stands in the text, a string with its quotes
        std::string_view text;   ///< of a string, decoded; of anything else its source
    };

    /// False if `text` is no JSON. The text must outlive what is looked up.
    bool parse(std::string_view text);

    [[nodiscard]] const node& root() const { return nodes_.front(); }

    /// The value at a JSON pointer whose reference tokens were split and unescaped (RFC 6901), or null. Of
    /// members with the same name the last counts. Holds until the next parse.
    [[nodiscard]] const node* find(const std::vector<std::string>& tokens) const;

private:
    static constexpr std::size_t kept_nodes = std::size_t{1} << 14;

    bool value(int depth);
    bool string(std::string_view& decoded);
    bool number();
    bool word(std::string_view expected);
    void space();

    std::vector<node> nodes_;
    std::string decoded_; ///< of strings that held escapes; reserved before, so that views stay good
    std::string_view text_;
    std::size_t at_ = 0;
};

/// Splits a JSON pointer (RFC 6901 §3) into its reference tokens; false if it is none.
bool split_pointer(std::string_view pointer, std::vector<std::string>& tokens);

/// Appends `text` as it must stand between the quotes of a JSON string.
void append_json_escaped(std::string_view text, std::string& out);

} // namespace iom::host
