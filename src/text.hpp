#pragma once

#include "value.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// Texts with ${...} in them: read once, expanded many times. Pure.
namespace iom::host {

/// Where an inserted value comes from.
enum class source : std::uint8_t {
    trigger,     ///< a variable or capture of the trigger; `index` into the rule's table of names
    instance,    ///< the name of the instance that fired, or whose setting it is
    status,      ///< `owner` an instance index or this_instance, `index` the status's place in its manifest
    session,     ///< a capture of the greeting; `index` a symbol
    variable,    ///< a host variable; `index` its place
    secret,      ///< `index` a symbol
    environment, ///< `index` a symbol
    seq,         ///< 1, 2, … in each session
    uuid,        ///< a new random one (RFC 9562 version 4)
    now,         ///< the time of day (RFC 3339, UTC, milliseconds)
};

/// Stands for the instance that fired the rule, where an instance's index is asked for.
inline constexpr std::uint32_t this_instance = 0xffff'fffe;
/// Stands for the host itself.
inline constexpr std::uint32_t host_instance = 0xffff'ffff;

/// What a name stands for, found once at load.
struct reference {
    source from = source::trigger;
    std::uint32_t owner = this_instance;
    std::uint32_t index = 0;
    bool harmless = false; ///< can never hold a character that JSON would have to escape

    bool operator==(const reference&) const = default;
};

/// Finds out, at load, what names stand for.
class naming {
public:
    virtual ~naming() = default;

    /// False with a sentence in `why` if there is no such name here. The syntax of `char:` is the text's own.
    virtual bool find(std::string_view name, reference& found, std::string& why) const = 0;
};

/// Supplies, at run time, what the references stand for.
class scope {
public:
    virtual ~scope() = default;

    /// Borrowed until the next call. False with a sentence in `why` if it cannot be supplied (a secret that
    /// is gone); what is merely not there yet is a value of kind none.
    virtual bool supply(const reference& what, value_view& found, std::string& why) = 0;
};

/// A text as it was written, taken apart.
class text_template {
public:
    text_template() = default;

    /// Takes `written` apart. What is wrong is appended to `mistakes`, a sentence each; then the template is
    /// of no use. `warnings` gets the sentence about unescaped insertions into JSON, if there are any.
    static text_template parse(std::string_view written, const naming& names,
                               std::vector<std::string>& mistakes, std::vector<std::string>& warnings);

    /// One that stands for itself, whatever it holds.
    static text_template literally(std::string_view text);

    /// Replaces `out` by the text; its memory is reused. False with a sentence in `why` if something could
    /// not be supplied.
    bool expand(scope& values, std::string& out, std::string& why) const;

    /// The same, except that a text which is nothing but one insertion without filter gives that value as it
    /// is, with its type; `found` may lead into `scratch`.
    bool evaluate(scope& values, std::string& scratch, value_view& found, std::string& why) const;

    /// No insertion at all; then `literal` is the whole text.
    [[nodiscard]] bool is_literal() const noexcept;
    [[nodiscard]] std::string_view literal() const noexcept { return literals_; }

    /// Nothing but one insertion without filter: its reference, otherwise null.
    [[nodiscard]] const reference* sole() const noexcept;

    /// Whether any insertion comes from there.
    [[nodiscard]] bool uses(source from) const noexcept;

    /// Every reference, in order.
    [[nodiscard]] std::vector<reference> references() const;

    bool operator==(const text_template&) const = default;

private:
    enum class filter : std::uint8_t { json, url, hex, base64 };

    struct part {
        std::uint32_t literal_size = 0; ///< literal that stands before the insertion
        reference what;
        std::vector<filter> filters;

        bool operator==(const part&) const = default;
    };

    static bool filter_of(std::string_view word, filter& found);
    static void apply(filter how, std::string_view raw, std::string& out);
    static void insert(const part& what, value_view found, std::string& out);
    [[nodiscard]] bool is_json() const;

    std::string literals_; ///< all literals one behind the other
    std::vector<part> parts_;
};

/// True where `written` holds an insertion or a `$${`.
bool has_insertion(std::string_view written) noexcept;

/// Percent-encodes all but the unreserved characters (RFC 3986 §2.3).
void append_url_escaped(std::string_view text, std::string& out);

/// Base64 with padding (RFC 4648 §4).
void append_base64(std::string_view bytes, std::string& out);

} // namespace iom::host
