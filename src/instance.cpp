#include "instance.hpp"

#include <algorithm>
#include <utility>

namespace iom::host {
namespace {

constexpr std::uint32_t no_place = 0xffff'ffff;
constexpr std::size_t most_dead = 8;
constexpr std::size_t most_texts = 1024;
constexpr std::size_t most_kept = 65536; ///< bytes, as iom/keep.h says

template <typename Item>
std::vector<std::uint32_t> places(const std::vector<Item>& items) {
    std::vector<std::uint32_t> table;
    for (std::uint32_t at = 0; at < items.size(); ++at) {
        if (items[at].number >= table.size()) {
            table.resize(items[at].number + 1, no_place);
        }
        table[items[at].number] = at;
    }
    return table;
}

std::string_view bytes_of(const iom_bytes& from) {
    // The host keeps bytes in the same form as text.
    return from.size == 0
               ? std::string_view()
               : std::string_view(static_cast<const char*>(static_cast<const void*>(from.data)), from.size);
}

/// States are posted again and again; only a different one is a change. A message is one each time.
bool is_change(const manifest::field& field, const value& before, value_view after) {
    const bool settled = field.type == manifest::type::choice || field.type == manifest::type::boolean;
    return !settled || !(before.view() == after);
}

} // namespace

value_view view_of(const iom_value& from) noexcept {
    switch (from.kind) {
    case IOM_BOOL:
        return value_view::of(from.as.boolean != 0);
    case IOM_INT:
        return value_view::of(from.as.integer);
    case IOM_REAL:
        return value_view::of(from.as.real);
    case IOM_TEXT:
        return value_view::of(from.as.text.size == 0
                                  ? std::string_view()
                                  : std::string_view(from.as.text.data, from.as.text.size));
    case IOM_BYTES:
        return value_view::of_bytes(bytes_of(from.as.bytes));
    default:
        return {};
    }
}

iom_value contract_value(std::uint32_t number, value_view from) noexcept {
    iom_value to{};
    to.id = number;
    switch (from.kind) {
    case value_kind::boolean:
        to.kind = IOM_BOOL;
        to.as.boolean = from.boolean ? 1 : 0;
        break;
    case value_kind::integer:
        to.kind = IOM_INT;
        to.as.integer = from.integer;
        break;
    case value_kind::real:
        to.kind = IOM_REAL;
        to.as.real = from.real;
        break;
    case value_kind::bytes:
        to.kind = IOM_BYTES;
        to.as.bytes = {static_cast<const std::uint8_t*>(static_cast<const void*>(from.text.data())),
                       from.text.size()};
        break;
    case value_kind::none:
    case value_kind::text:
        to.kind = IOM_TEXT;
        to.as.text = {from.text.data(), from.text.size()};
        break;
    }
    return to;
}

/// What ${...} in a setting stands for: the instance's own here, everything else from its owner.
class instance::setting_scope final : public scope {
public:
    explicit setting_scope(instance& it) : it_(it) {}

    bool supply(const reference& what, value_view& found, std::string& why) override {
        switch (what.from) {
        case source::instance:
            found = value_view::of(std::string_view(it_.name_));
            return true;
        case source::session:
            if (const auto captured = it_.session_.find(what.index)) {
                found = *captured;
                return true;
            }
            why = not_captured(it_.around_->symbols().name(what.index));
            return false;
        case source::seq:
            found = value_view::of(it_.session_.next_seq());
            return true;
        case source::status:
            if (what.owner == this_instance || what.owner == it_.index_) {
                found =
                    what.index < it_.statuses_.size() ? it_.statuses_[what.index].what.view() : value_view{};
                return true;
            }
            break;
        default:
            break;
        }
        return it_.owner_.supply(it_, what, found, why);
    }

private:
    instance& it_;
};

instance::instance(std::string name, const loaded_module& module, instance_owner& owner, log& journal,
                   call_watch& watch, redactor& known, guard_limits limits)
    : name_(std::move(name)), module_(module), owner_(owner), journal_(journal), watch_(watch), known_(known),
      limits_(limits), statuses_(module.manifest.statuses.size()),
      status_places_(places(module.manifest.statuses)), action_places_(places(module.manifest.actions)) {
    reset_statuses();
}

instance::~instance() {
    destroy("the host ends");
}

void instance::place(std::shared_ptr<const project> from, std::uint32_t index, surroundings& around) {
    project_ = std::move(from);
    index_ = index;
    around_ = &around;
    names_ = names_for_settings(*project_, index, around);
    texts_.clear();
}

guarded::state instance::now() const noexcept {
    return guard_ != nullptr ? guard_->now() : guarded::state::none;
}

module_answer instance::create() {
    if (guard_ != nullptr) {
        destroy("it is made anew");
    }
    guard_ = std::make_unique<guarded>(module_, name_, static_cast<module_listener&>(*this), journal_, watch_,
                                       limits_);
    return guard_->create();
}

void instance::destroy(std::string_view reason) {
    if (guard_ == nullptr) {
        return;
    }
    guard_->destroy(reason);
    counts_ = guard_->counts();
    dead_.push_back(std::move(guard_));
    if (dead_.size() > most_dead) {
        dead_.erase(dead_.begin());
    }
    reset_statuses(); // nobody keeps them true any more
    session_.begin();
    matches_.clear();
    handles_.clear();
}

module_answer instance::set(std::span<const setting_value> settings) {
    std::vector<iom_value> values;
    values.reserve(settings.size());
    secret_texts_.clear();
    for (const setting_value& each : settings) {
        if (each.test != nullptr) {
            iom_value one{};
            one.id = each.number;
            one.kind = IOM_MATCH;
            one.as.match = handle_of(each.test);
            values.push_back(one);
            continue;
        }
        if (each.secret && each.what.kind == value_kind::text) {
            if (has_insertion(each.what.text)) {
                secret_texts_.insert(each.what.text);
            } else {
                known_.add(each.what.text, redactor::stay::lasting);
            }
        }
        values.push_back(contract_value(each.number, each.what.view()));
    }
    return guard_ != nullptr ? guard_->set(values) : module_answer{IOM_STATE, "The instance does not exist."};
}

module_answer instance::start() {
    return guard_ != nullptr ? guard_->start() : module_answer{IOM_STATE, "The instance does not exist."};
}

void instance::stop() {
    if (guard_ != nullptr) {
        guard_->stop();
        owner_.wants_service(*this);
    }
}

module_answer instance::invoke(std::uint32_t action, std::span<const argument_view> arguments,
                               const call_origin& origin) {
    if (guard_ == nullptr) {
        return {IOM_STATE, "The instance is not running: its module is in quarantine after a fault."};
    }
    const std::uint32_t at = action < action_places_.size() ? action_places_[action] : no_place;
    if (at == no_place) {
        return {IOM_ARGUMENT, "The module has no such action."};
    }
    arguments_.clear();
    for (const argument_view& each : arguments) {
        if (each.test != nullptr && *each.test != nullptr) {
            iom_value one{};
            one.id = each.number;
            one.kind = IOM_MATCH;
            one.as.match = handle_of(*each.test);
            arguments_.push_back(one);
            continue;
        }
        for (const manifest::field& field : module_.manifest.actions[at].arguments) {
            if (field.number == each.number && field.type == manifest::type::secret) {
                if (each.what.text.size() > redactor::longest_passing) {
                    return {IOM_ARGUMENT, too_long_secret(field.id, each.what.text.size())};
                }
                known_.add(each.what.text, redactor::stay::passing);
            }
        }
        arguments_.push_back(contract_value(each.number, each.what));
    }
    return guard_->invoke(at, arguments_, origin);
}

/// What the manifest says that they are before the first post.
void instance::reset_statuses() {
    for (std::size_t at = 0; at < statuses_.size(); ++at) {
        const manifest::status& described = module_.manifest.statuses[at];
        value_view first;
        if (described.default_value) {
            const std::string& written = *described.default_value;
            if (described.type == manifest::type::boolean) {
                const auto read = manifest::read_boolean(written);
                first = read ? value_view::of(*read) : value_view();
            } else if (described.type == manifest::type::integer) {
                const auto read = manifest::read_integer(written);
                first = read ? value_view::of(std::int64_t{*read}) : value_view();
            } else if (described.type == manifest::type::real) {
                const auto read = manifest::read_real(written);
                first = read ? value_view::of(double{*read}) : value_view();
            } else {
                first = value_view::of(std::string_view(written));
            }
        }
        statuses_[at].what.assign(first);
        statuses_[at].changed = {};
    }
}

bool instance::service_batch() {
    if (guard_ == nullptr || held_) {
        return false;
    }
    const guarded::serviced said = guard_->service();
    counts_ = guard_->counts();
    if (said.stopped) {
        owner_.stopped(*this);
    }
    return said.more && !said.stopped;
}

std::uint32_t instance::handle_of(const std::shared_ptr<const match>& test) {
    if (const auto known = handles_.find(test.get()); known != handles_.end()) {
        return known->second;
    }
    // The same match, read again at a reload, keeps its handle: so handles do not pile up.
    for (std::size_t at = 0; at < matches_.size(); ++at) {
        if (matches_[at].test->specs() == test->specs()) {
            return static_cast<std::uint32_t>(at + 1);
        }
    }
    known_match added{test, {}};
    for (const std::string& name : test->capture_names()) {
        added.symbols.push_back(name.empty() || around_ == nullptr ? no_place
                                                                   : around_->symbols().intern(name));
    }
    matches_.push_back(std::move(added));
    const auto handle = static_cast<std::uint32_t>(matches_.size());
    handles_.emplace(test.get(), handle);
    return handle;
}

bool instance::expand(std::string_view written, std::string& expanded, std::string& why) {
    if (names_ == nullptr) {
        expanded = written;
        return true;
    }
    auto found = texts_.find(written);
    if (found == texts_.end()) {
        std::vector<std::string> mistakes;
        std::vector<std::string> warnings;
        text_template read = text_template::parse(written, *names_, mistakes, warnings);
        if (!mistakes.empty()) {
            why = mistakes.front();
            return false;
        }
        if (texts_.size() >= most_texts) {
            texts_.clear();
        }
        found = texts_.emplace(written, std::move(read)).first;
    }
    setting_scope values(*this);
    if (!found->second.expand(values, expanded, why)) {
        return false;
    }
    if (secret_texts_.contains(written)) {
        known_.add(expanded, redactor::stay::rotating);
    }
    return true;
}

void instance::module_wakes() noexcept {
    owner_.wants_service(*this);
}

void instance::module_status(std::span<const iom_value> values) {
    const auto now = std::chrono::system_clock::now();
    bool changed = false;
    for (const iom_value& each : values) {
        const std::uint32_t at = status_places_[each.id]; // the guard has looked
        status_entry& entry = statuses_[at];
        const value_view posted = view_of(each);
        if (is_change(module_.manifest.statuses[at], entry.what, posted)) {
            entry.what.assign(posted);
            entry.changed = now;
            changed = true;
        }
    }
    if (changed) {
        owner_.status_changed(*this);
    }
}

void instance::module_triggers(std::size_t trigger, std::span<const iom_value> variables) {
    variables_.clear();
    for (const iom_value& each : variables) {
        variables_.push_back(view_of(each));
    }
    owner_.triggered(*this, module_.manifest.triggers[trigger].number, variables_);
}

void instance::module_done(const call_origin& origin, iom_outcome outcome, std::string_view sentence) {
    owner_.call_ended(*this, origin, outcome, sentence);
}

bool instance::module_tests(std::uint32_t handle, const iom_value& message, bool capture, bool& holds) {
    if (handle == 0 || handle > matches_.size()) {
        return false;
    }
    const known_match& known = matches_[handle - 1];
    message_view tested(view_of(message), json_);
    if (!capture) {
        holds = known.test->test(tested);
        return true;
    }
    capture_list captures;
    holds = known.test->capture(tested, captures);
    if (holds) {
        for (std::size_t at = 0; at < known.symbols.size(); ++at) {
            if (known.symbols[at] != no_place) {
                session_.set(known.symbols[at], captures[at]);
            }
        }
    }
    return true;
}

bool instance::module_expands(std::string_view written, std::string_view& expanded) {
    const bool good = expand(written, expanded_, why_);
    expanded = good ? expanded_ : why_;
    return good;
}

void instance::module_begins_session() {
    session_.begin();
}

bool instance::module_keeps(std::string_view what) {
    const bool fits = what.size() <= most_kept;
    kept_.assign(fits ? what : std::string_view());
    return fits;
}

void instance::module_condemned(std::string_view sentence) {
    owner_.condemned(*this, sentence);
}

} // namespace iom::host
