#include "web/snapshot.hpp"

#include "instance.hpp"
#include "web/shown.hpp"

#include <chrono>

namespace iom::host::web {

instance* snapshot::find(desk& at, std::uint32_t index) const {
    return index < read_->instances.size() ? at.controller().find(read_->instances[index].name) : nullptr;
}

void snapshot::take(desk& at, const rule& what) {
    for (const reference& each : references_of(what)) {
        take(at, each);
    }
}

void snapshot::take(desk& at, const reference& what) {
    switch (what.from) {
    case source::status: {
        const std::uint32_t owner = what.owner == this_instance ? fired_ : what.owner;
        const std::pair key(owner, what.index);
        const instance* const found = statuses_.contains(key) ? nullptr : find(at, owner);
        if (found != nullptr && what.index < found->statuses().size()) {
            statuses_[key] = found->statuses()[what.index].what;
        }
        break;
    }
    case source::session: {
        const std::string& name = names_[what.index] = symbols_.name(what.index);
        instance* const found = find(at, fired_);
        const auto captured = found == nullptr
                                  ? std::nullopt
                                  : found->session().find(at.controller().around().symbols().intern(name));
        if (captured) {
            captures_[{fired_, what.index}].assign(*captured);
        }
        break;
    }
    case source::variable: {
        const variables& values = at.controller().values();
        value& to = variables_[what.index] = read_->variables[what.index].initial;
        for (std::uint32_t place = 0; place < values.size(); ++place) {
            if (values.declared(place).name == read_->variables[what.index].name) {
                to.assign(values.get(place));
            }
        }
        break;
    }
    case source::secret:
    case source::environment:
        names_[what.index] = symbols_.name(what.index);
        break;
    case source::trigger:
    case source::instance:
    case source::seq:
    case source::uuid:
    case source::now:
        break;
    }
}

void snapshot::hide(const redactor& known) {
    const auto clean = [&](value& what) {
        if (what.kind == value_kind::text || what.kind == value_kind::bytes) {
            what.text = what.text.size() > most_whole ? known.redact_cut(what.text) : known.redact(what.text);
        }
    };
    for (auto* const all : {&statuses_, &captures_}) {
        for (auto& [key, what] : *all) {
            clean(what);
        }
    }
    for (auto& [which, what] : variables_) {
        clean(what);
    }
}

void snapshot::begin(time_us budget) {
    until_ = control_loop::now() + budget;
}

value_view snapshot::status(std::uint32_t index, std::uint32_t status) {
    const auto found = statuses_.find({index, status});
    return found != statuses_.end() ? found->second.view() : value_view{};
}

std::string_view snapshot::instance_name(std::uint32_t index) {
    return index < read_->instances.size() ? std::string_view(read_->instances[index].name) : "host";
}

std::optional<value_view> snapshot::session(std::uint32_t index, std::uint32_t symbol) {
    const auto found = captures_.find({index, symbol});
    return found != captures_.end() ? std::optional(found->second.view()) : std::nullopt;
}

value_view snapshot::variable(std::uint32_t which) {
    const auto found = variables_.find(which);
    return found != variables_.end() ? found->second.view() : value_view{};
}

std::string_view snapshot::now() {
    now_ = format_time(std::chrono::system_clock::now());
    return now_;
}

std::string snapshot::symbol(std::uint32_t symbol) {
    return names_[symbol];
}

bool snapshot::has_time() {
    return control_loop::now() < until_;
}

} // namespace iom::host::web
