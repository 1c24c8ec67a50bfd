#include "text.hpp"

#include "target.hpp"

#include <string>

using namespace iom::host;

namespace {

// Every name is known, and stands for the second half of the input.
class anything final : public naming {
public:
    bool find(std::string_view name, reference& found, std::string& why) const override {
        found.index = static_cast<std::uint32_t>(name.size());
        why.clear();
        return name != "unknown";
    }
};

class half final : public scope {
public:
    explicit half(std::string_view what) : what_(what) {}
    bool supply(const reference& what, value_view& found, std::string& why) override {
        found.kind = what.index % 2 == 0 ? value_kind::text : value_kind::bytes;
        found.text = what_;
        why.clear();
        return true;
    }

private:
    std::string_view what_;
};

} // namespace

void fuzz(std::string_view input) {
    std::vector<std::string> mistakes;
    std::vector<std::string> warnings;
    const auto made = text_template::parse(input, anything(), mistakes, warnings);
    if (!mistakes.empty()) {
        for (const auto& sentence : mistakes) {
            require(!sentence.empty());
        }
        return;
    }
    require(made == text_template::parse(input, anything(), mistakes, warnings));
    half values(input.substr(input.size() / 2));
    std::string out;
    std::string why;
    require(made.expand(values, out, why));
    if (made.is_literal()) {
        require(out == made.literal());
    }
    if (!has_insertion(input)) {
        require(out == input);
    }
}
