#pragma once

#include "manifest/manifest.hpp"
#include "value.hpp"

#include <functional>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// What reading any element of a project file has in common.
namespace iom::host {

/// Collects what is wrong with a file.
class complaints {
public:
    /// Of one file, so many are told; of the rest, only how many.
    static constexpr std::size_t most = 99;

    explicit complaints(std::vector<manifest::mistake>& into) : into_(into), before_(into.size()) {}

    /// The same sentence about the same place is said once.
    void wrong(const manifest::location& where, std::string sentence, std::string missing = {}) {
        add({where, std::move(sentence), false, std::move(missing)});
    }
    void warn(const manifest::location& where, std::string sentence) {
        add({where, std::move(sentence), true});
    }

    /// How many mistakes there are; warnings do not count.
    [[nodiscard]] std::size_t mistakes() const noexcept { return mistakes_; }

    /// Puts them into the file's order.
    void finish(const std::string& file);

private:
    void add(manifest::mistake what);

    std::vector<manifest::mistake>& into_;
    std::size_t before_;
    std::size_t mistakes_ = 0;
    std::size_t untold_ = 0;
};

/// `a, b and c`.
std::string listed(std::span<const std::string> words, std::string_view last = " and ");

/// The word of `known` that `typed` was probably meant to be, as a sentence, or else what there is.
std::string suggestion(std::string_view typed, std::span<const std::string> known);

/// The ids of anything that has some.
template <typename items>
std::vector<std::string> ids_of(const items& all) {
    std::vector<std::string> ids;
    for (const auto& one : all)
        ids.push_back(one.id);
    return ids;
}

/// Attributes, children and text that do not belong to this element.
void expect_attributes(const manifest::element& at, std::initializer_list<std::string_view> known,
                       complaints& say);
void expect_children(const manifest::element& at, std::initializer_list<std::string_view> known,
                     complaints& say);
void expect_no_text(const manifest::element& at, complaints& say);

/// The attribute, or null with a mistake.
const std::string* need_attribute(const manifest::element& at, std::string_view name, complaints& say);

/// A truth attribute, with its default.
bool truth_attribute(const manifest::element& at, std::string_view name, bool otherwise, complaints& say);

/// A duration attribute; nothing if it is absent, or wrong (then with a mistake).
std::optional<time_us> duration_attribute(const manifest::element& at, std::string_view name,
                                          complaints& say);

/// Names that people give: letters, digits, - and _; they stand in references as instance/trigger.
bool is_name(std::string_view text) noexcept;

/// Why `name` cannot be that of `what` ("an instance"): a sentence; empty if it can.
std::string name_trouble(std::string_view name, std::string_view what);

/// Names of rules are free, but for what no path of a URL can carry, or would take for another's (RFC 3986,
/// 5.2.4): a sentence; empty if it is good.
std::string rule_name_trouble(std::string_view name);

/// Words that mean something else where an instance's name could stand.
bool is_taken_name(std::string_view text) noexcept;

std::string_view trimmed(std::string_view text) noexcept;

/// `left/right`, both not empty, or false.
bool split_reference(std::string_view written, std::string_view& left, std::string_view& right) noexcept;

} // namespace iom::host
