#include "web/shown.hpp"

#include <algorithm>
#include <string>

namespace iom::host::web {
namespace {

void hide(json& text, const redactor& known, bool cut) {
    if (text.is_string()) {
        const std::string& whole = text.get_ref<const std::string&>();
        text = cut ? known.redact_cut(whole) : known.redact(whole);
    }
}

/// One that text_json has made: it has cut what is longer.
void hide(json& text, const redactor& known) {
    hide(text, known, text.is_string() && text.get_ref<const std::string&>().size() > most_whole);
}

void hide_in(json& from, std::initializer_list<const char*> members, const redactor& known) {
    for (const char* const each : members) {
        if (const auto found = from.find(each); found != from.end()) {
            hide(*found, known);
        }
    }
}

} // namespace

void hide_in_statuses(json& statuses, const manifest::module_manifest* of, const redactor& known) {
    for (const auto& [id, status] : statuses.items()) {
        const bool choice =
            of != nullptr && std::any_of(of->statuses.begin(), of->statuses.end(), [&](const auto& each) {
                return each.id == id && each.type == manifest::type::choice;
            });
        if (!choice) {
            hide(status["value"], known, status.contains("cut"));
        }
    }
}

void hide_in_summary(json& summary, const redactor& known) {
    hide_in(summary, {"lastError", "phaseSentence"}, known);
}

void hide_in_report(json& report, const redactor& known) {
    hide_in(report, {"sentence", "lastNoSentence"}, known);
}

void hide_in_variables(json& variables, const redactor& known) {
    for (auto& [name, value] : variables.items()) {
        hide(value, known);
    }
}

void hide_in_event(json& event, const redactor& known) {
    const bool cut = event.contains("cutSomewhere");
    event.erase("cutSomewhere");
    // The last of them was cut. If others follow the message, that was whole.
    if (const auto message = event.find("message"); message != event.end()) {
        hide((*message)["text"], known, cut && !event.contains("variables"));
    }
    if (const auto variables = event.find("variables"); variables != event.end()) {
        for (auto& [id, value] : variables->items()) {
            cut ? hide(value, known, true) : hide(value, known);
        }
    }
    for (json& look : event["looks"]) {
        hide_in(look, {"sentence"}, known);
        for (json& act : look["acts"]) {
            hide_in(act, {"sentence"}, known);
        }
    }
}

} // namespace iom::host::web
