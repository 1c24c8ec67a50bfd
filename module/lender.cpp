#include "module/lender.hpp"

namespace iom::ws {

lender::lender(const iom_host& host)
    : host_(host), match_(static_cast<const iom_match_host*>(host.extension(&host, IOM_MATCH_EXTENSION))),
      text_(static_cast<const iom_text_host*>(host.extension(&host, IOM_TEXT_EXTENSION))),
      keep_(static_cast<const iom_keep_host*>(host.extension(&host, IOM_KEEP_EXTENSION))) {}

bool lender::test(std::uint32_t match, const iom_value& message) const {
    return match_ != nullptr && match_->test(&host_, match, &message) != 0;
}

bool lender::capture(std::uint32_t match, const iom_value& message) const {
    return match_ != nullptr && match_->capture(&host_, match, &message) != 0;
}

bool lender::expand(std::string_view written, std::string_view& expanded) const {
    if (written.find("${") == std::string_view::npos) {
        expanded = written;
        return true;
    }
    if (text_ == nullptr) {
        expanded = "This host has no iom.text/1, so that ${...} stays unknown. Write the text without it.";
        return false;
    }
    iom_text text{};
    const std::uint32_t result = text_->expand(&host_, {written.data(), written.size()}, &text);
    expanded = text.size == 0 ? std::string_view() : std::string_view(text.data, text.size);
    return result == IOM_OK;
}

void lender::forget_session() const {
    if (text_ != nullptr) {
        text_->begin_session(&host_);
    }
}

bool lender::keep(std::string_view what) const {
    return keep_ == nullptr ||
           keep_->keep(&host_, {static_cast<const std::uint8_t*>(static_cast<const void*>(what.data())),
                                what.size()}) == IOM_OK;
}

std::string_view lender::kept() const {
    const iom_bytes kept = keep_ != nullptr ? keep_->kept(&host_) : iom_bytes{nullptr, 0};
    return kept.size == 0
               ? std::string_view()
               : std::string_view(static_cast<const char*>(static_cast<const void*>(kept.data)), kept.size);
}

} // namespace iom::ws
